import { type ChildProcess, fork } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { someAddress } from './factories.js';

export const CLIENT = { client_id: 'wheelhouse', client_secret: 'the-secret-of-the-client-0123456789' };
const MACHINE = { client_id: 'machine', client_secret: 'the-secret-of-the-machine-0123456789' };
export const AUDIENCE = 'urn:wheelhouse:api';

/** A real provider, with the key that it signs with. */
export interface OidcProvider {
  issuer: string;
  key: KeyObject;
  kid: string;
  /** What it says about somebody from now on. */
  knows(login: string, person: { claims?: Record<string, unknown>; amr?: string[] }): Promise<void>;
  /** An access token of the machine, for the API. */
  machineToken(resource?: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startOidcProvider(plane: string): Promise<OidcProvider> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = 'key-of-the-test';
  const options = {
    redirectUris: [`${plane}/api/v1/auth/sso/callback`],
    postLogoutRedirectUris: [`${plane}/health`],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }] },
  };
  const child = fork(join(process.cwd(), 'test/support/oidc-provider.mjs'), [JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const issuer = await Promise.race([
    once(child, 'message').then(([message]) => (message as { issuer: string }).issuer),
    once(child, 'exit').then(() => Promise.reject(new Error(`The provider did not start: ${complaints}`))),
  ]);
  return {
    issuer,
    key: privateKey,
    kid,
    knows: async (login, person) => {
      const heard = once(child, 'message');
      child.send({ login, ...person });
      await heard;
    },
    machineToken: (resource = AUDIENCE) => machineToken(issuer, resource),
    stop: () => stop(child),
  };
}

async function machineToken(issuer: string, resource: string): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${MACHINE.client_id}:${MACHINE.client_secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope: 'api' }),
  });
  const { access_token } = (await response.json()) as { access_token?: string };
  if (access_token === undefined) throw new Error(`The provider gave no token: ${response.status}`);
  return access_token;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}

/** A browser without a screen: cookies, and redirects one by one. */
export class CookieJar {
  private readonly cookies = new Map<string, string>();
  /** Each browser comes from an address of its own: what is counted by address is counted apart. */
  private readonly address = someAddress();

  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const { host } = new URL(url);
    const own = [...this.cookies].filter(([key]) => key.startsWith(`${host} `)).map(([key, value]) => `${key.slice(host.length + 1)}=${value}`);
    const headers = new Headers(init.headers);
    headers.set('x-forwarded-for', this.address);
    if (own.length > 0) headers.set('cookie', own.join('; '));
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';', 1);
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (value === '' || /expires=thu, 01 jan 1970/i.test(line)) this.cookies.delete(`${host} ${name}`);
      else this.cookies.set(`${host} ${name}`, value);
    }
    return response;
  }

  /** The names of the cookies that a host has set. */
  namesOf(host: string): string[] {
    return [...this.cookies.keys()].filter((key) => key.startsWith(`${host} `)).map((key) => key.slice(host.length + 1));
  }

  /** Follows redirects from `url` until one leads to the callback, signing in at the form on the way. @returns the callback's address */
  async throughProvider(url: string, login: string, how: 'in' | 'no' = 'in'): Promise<string> {
    let next = url;
    for (let step = 0; step < 12; step += 1) {
      if (next.includes('/api/v1/auth/sso/callback')) return next;
      const isForm = next.includes('/interaction/');
      const response = await this.fetch(next, isForm ? { method: 'POST', body: new URLSearchParams({ login, how }) } : {});
      const location = response.headers.get('location');
      if (location === null) throw new Error(`${next} answered ${response.status}: ${await response.text()}`);
      next = new URL(location, next).href;
    }
    throw new Error('The provider sends its browsers round in circles.');
  }
}
