/**
 * A real OpenID provider (oidc-provider) on loopback, in a process of its own. It signs in whoever names themselves at its
 * form; what it says about them is told to it by messages. Started by test/support/oidc-provider.ts.
 */
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const { redirectUris, postLogoutRedirectUris, jwks } = JSON.parse(process.argv[2]);
const people = new Map();
const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  jwks,
  cookies: { keys: ['a-key-of-the-test'] },
  clients: [
    {
      client_id: 'wheelhouse',
      client_secret: 'the-secret-of-the-client-0123456789',
      redirect_uris: redirectUris,
      post_logout_redirect_uris: postLogoutRedirectUris,
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
    { client_id: 'machine', client_secret: 'the-secret-of-the-machine-0123456789', redirect_uris: [], grant_types: ['client_credentials'], response_types: [] },
  ],
  claims: { openid: ['sub', 'amr', 'auth_time'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_context, resource) => ({ scope: 'api', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'RS256' } } }),
    },
  },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id)?.claims }) }),
  loadExistingGrant: async (context) => {
    const grant = new context.oidc.provider.Grant({ clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId });
    grant.addOIDCScope('openid email profile');
    await grant.save();
    return grant;
  },
});

const form = '<!doctype html><title>Sign in</title><form method="post"><input name="login" autofocus><button type="submit" name="how" value="in">Sign in</button><button name="how" value="no">Cancel</button></form>';

async function interact(request, response) {
  if (request.method !== 'POST') return response.writeHead(200, { 'content-type': 'text/html' }).end(form);
  let body = '';
  for await (const chunk of request) body += chunk;
  const fields = new URLSearchParams(body);
  const login = fields.get('login') ?? '';
  const refused = fields.get('how') === 'no';
  const result = refused ? { error: 'access_denied', error_description: 'not today' } : { login: { accountId: login, amr: people.get(login)?.amr ?? ['pwd'] } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const answer = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) return answer(request, response);
  interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
});
process.on('message', ({ login, ...person }) => {
  people.set(login, person);
  process.send({ known: login });
});
process.on('disconnect', () => process.exit());
process.send({ issuer });
