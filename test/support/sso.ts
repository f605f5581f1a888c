import { createTenant, createUser, ok, type SignedIn, type Tokens, unique } from './factories.js';
import { CLIENT, CookieJar, type OidcProvider, startOidcProvider } from './oidc-provider.js';
import { type ApiResponse, type Plane, startPlane } from './plane.js';

/** A plane, a provider, and people who sign in at it: one set for each suite. */
export interface Provider {
  id: string;
  revision: number;
  [field: string]: unknown;
}

export let plane: Plane;
export let idp: OidcProvider;
export let admin: SignedIn;
export let tenant: { id: string; slug: string };

export const api = <T = Record<string, unknown>>(method: string, path: string, token?: string, body?: unknown): Promise<ApiResponse<T>> =>
  plane.request<T>(method, `/api/v1${path}`, { ...(token === undefined ? {} : { token }), ...(body === undefined ? {} : { body }) });
export const addProvider = (fields: object = {}, token: string = admin.token): Promise<Provider> =>
  ok(api<Provider>('POST', '/sso/providers', token, { name: 'Example', issuer: idp.issuer, ...CLIENT, ...fields }));
export const open = { create_users: true, allowed_domains: ['example.com'] };
export const start = (provider: Provider, query = ''): string => `${plane.url}/api/v1/auth/sso/${provider.id}/start${query}`;

/** Somebody whom the provider knows. */
export async function person(claims: object = {}, amr?: string[]): Promise<string> {
  const name = unique('person');
  await idp.knows(name, { claims: { email: `${name}@example.com`, email_verified: true, name: 'A Person', ...claims }, ...(amr ? { amr } : {}) });
  return name;
}

/** The way to the provider and back, to where the plane sends the browser in the end. */
export async function comeBack(provider: Provider, who: string, jar = new CookieJar(), query = ''): Promise<Response> {
  return jar.fetch(await jar.throughProvider(start(provider, query), who));
}
export const codeIn = (response: Response): string => /#sso_code=(.+)$/.exec(response.headers.get('location') ?? '')?.[1] ?? '';
export const problemOf = async (response: Response): Promise<unknown> => [response.status, ((await response.json()) as { code: string }).code];

export async function exchange(code: string, jar: CookieJar, target: Plane = plane): Promise<{ status: number; body: Tokens & { code?: string; mfa_required?: true } }> {
  const response = await jar.fetch(`${target.url}/api/v1/auth/sso/exchange`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code }) });
  return { status: response.status, body: (await response.json()) as Tokens };
}

export async function signIn(provider: Provider, who: string): Promise<Tokens> {
  const jar = new CookieJar();
  const { status, body } = await exchange(codeIn(await comeBack(provider, who, jar)), jar);
  expect(status).toBe(200);
  return body;
}

export async function startSso(): Promise<void> {
  plane = await startPlane({ environment: { EGRESS_ALLOW: '127.0.0.1', TRUST_PROXY: 'loopback' } });
  idp = await startOidcProvider(plane.url);
  tenant = await createTenant(plane);
  admin = await createUser(plane, { role: 'admin', tenant: tenant.id });
}

export async function stopSso(): Promise<void> {
  await idp.stop();
  await plane.stop();
}
