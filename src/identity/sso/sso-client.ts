import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import * as oidc from 'openid-client';
import { Problem } from '../../core/problem.js';
import { TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import { Egress } from '../../platform/egress/egress.js';
import { allClaims, type SsoClaims, waysOf } from './sso-claims.js';
import type { SsoProvider } from './sso-provider.entity.js';
import { secretOf } from './sso-providers.service.js';

/** How long a provider's metadata is kept. Its keys are read again by the library when a token names one that is not known. */
const METADATA_MS = 300_000;
/** After a failure the provider is left alone for so long. */
const RETRY_MS = 5_000;
const TIMEOUT_SECONDS = 10;
const logger = new Logger('SsoClient');

/** What a sign-in under way has to prove when it comes back. */
export interface FlowSecrets {
  state: string;
  nonce: string;
  codeVerifier: string;
  redirectUri: string;
}

/** Speaks OpenID Connect with providers, through the one way out. */
@Injectable()
export class SsoClient {
  private readonly configurations = new LRUCache<string, Promise<oidc.Configuration>>({ max: 500, ttl: METADATA_MS });

  constructor(
    private readonly egress: Egress,
    private readonly cipher: TenantCipher,
  ) {}

  /** The page of the provider to send the browser to. @throws Problem */
  async authorizationUrl(provider: SsoProvider, flow: FlowSecrets): Promise<URL> {
    const configuration = await this.configurationOf(provider);
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: flow.redirectUri,
      scope: provider.scopes.join(' '),
      state: flow.state,
      nonce: flow.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(flow.codeVerifier),
      code_challenge_method: 'S256',
    });
    // The provider's own words: a browser is sent nowhere but to a page.
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Problem('sso_failed', { detail: 'The provider names no page to sign in at.' });
    return url;
  }

  /** Trades the provider's answer for what it says about the person. @throws Problem `sso_failed`, `egress_*` */
  async claimsOf(provider: SsoProvider, answer: URLSearchParams, flow: FlowSecrets): Promise<SsoClaims> {
    const configuration = await this.configurationOf(provider);
    return explained(async () => {
      const url = new URL(flow.redirectUri);
      url.search = answer.toString();
      const tokens = await oidc.authorizationCodeGrant(configuration, url, { expectedState: flow.state, expectedNonce: flow.nonce, pkceCodeVerifier: flow.codeVerifier, idTokenExpected: true });
      const claims = tokens.claims();
      if (!claims || tokens.id_token === undefined || claims.sub.length > 255) throw new Problem('sso_failed');
      const more = configuration.serverMetadata().userinfo_endpoint === undefined ? {} : await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub);
      return { issuer: provider.issuer, subject: claims.sub, amr: waysOf(claims['amr']), idToken: tokens.id_token, all: allClaims(claims, more) };
    });
  }

  /** Where the browser signs out of the provider; undefined when the provider has no such page, or cannot be asked. */
  async endSessionUrl(provider: SsoProvider, idToken: string | undefined, returnTo: string | undefined): Promise<URL | undefined> {
    const configuration = await this.configurationOf(provider);
    if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
    return oidc.buildEndSessionUrl(configuration, {
      ...(idToken === undefined ? {} : { id_token_hint: idToken }),
      ...(returnTo === undefined ? {} : { post_logout_redirect_uri: returnTo }),
    });
  }

  private async configurationOf(provider: SsoProvider): Promise<oidc.Configuration> {
    const key = `${provider.id} ${provider.revision}`;
    const known = this.configurations.get(key);
    if (known) return known;
    // One question for all who ask meanwhile. A provider that did not answer is left alone for a moment: anybody may begin a sign-in.
    const asked = this.ask(provider);
    this.configurations.set(key, asked);
    asked.catch(() => this.configurations.set(key, asked, { ttl: RETRY_MS }));
    return asked;
  }

  private async ask(provider: SsoProvider): Promise<oidc.Configuration> {
    const secret = provider.client_secret === null ? undefined : await this.cipher.open(secretOf(provider), provider.client_secret);
    return explained(() => this.discover(provider, secret));
  }

  private async discover({ issuer, client_id, signing_algorithm }: SsoProvider, secret: string | undefined): Promise<oidc.Configuration> {
    const fetchLike = this.egress.fetchFor('sso');
    const execute = [oidc.enableNonRepudiationChecks, ...(issuer.startsWith('http:') ? [overPlainHttp] : [])];
    const metadata = { id_token_signed_response_alg: signing_algorithm };
    return oidc.discovery(new URL(issuer), client_id, metadata, authenticationWith(secret), { [oidc.customFetch]: fetchLike, execute, timeout: TIMEOUT_SECONDS });
  }
}

/** On this machine alone, see the rule for issuers. Read by its name: it is marked deprecated only so that nobody reaches for it lightly. */
const overPlainHttp: (configuration: oidc.Configuration) => void = Reflect.get(oidc, 'allowInsecureRequests');

/** In the header where the provider takes it there, else in the body: both are in the specification, and neither everywhere. */
function authenticationWith(secret: string | undefined): oidc.ClientAuth {
  if (secret === undefined) return oidc.None();
  const [basic, post] = [oidc.ClientSecretBasic(secret), oidc.ClientSecretPost(secret)];
  return (server, client, body, headers) => {
    const supported = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    return (supported.includes('client_secret_basic') ? basic : post)(server, client, body, headers);
  };
}

/** Whatever the library throws, as a problem; what the provider says of the person's fault is passed on, nothing else. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const problem = problemIn(error);
    // For the operator: the names of what went wrong, never the tokens that it went wrong with.
    if (!problem) logger.warn(`A sign-in at a provider failed: ${namesOf(error)}`);
    throw problem ?? new Problem('sso_failed');
  }
}

function namesOf(error: unknown): string {
  const { name, code, error: said } = error as { name?: string; code?: string; error?: unknown };
  return [name, code, typeof said === 'string' ? said.slice(0, 100) : undefined].filter(Boolean).join(' ');
}

function problemIn(error: unknown): Problem | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) if (cause instanceof Problem) return cause;
  return undefined;
}
