import { ADMIN_TOKEN, type Plane } from '../../support/plane.js';
import { eventually } from '../../support/eventually.js';
import { createTenant, createUser, someAddress, unique } from '../../support/factories.js';

export type Side = 'own' | 'foreign';

/** One kind of caller, with what the document lets it do. */
export interface Caller {
  name: string;
  headers: Record<string, string>;
  /** Entries of `x-roles` that let it in; none for credentials that must be refused with 401. */
  roles: readonly string[];
  /** The tenant it belongs to; `own` is the one whose resources are called own. */
  side: Side;
  /** An API key with this scope alone. */
  scope?: string;
  /** Names the tenant it acts for, as the operator does. */
  actsFor?: string;
}

export interface Answer {
  status: number;
  code: string;
  text: string;
  /** The text without the id of the request, which differs by nature. */
  comparable: string;
}

/** One request. Of a stream only the head is read. */
export async function call(plane: Plane, method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Answer> {
  const response = await fetch(`${plane.url}${path}`, {
    method: method.toUpperCase(),
    // An address of its own for every request: what is counted by address is not what is looked at here.
    headers: { 'x-forwarded-for': someAddress(), ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'manual',
  });
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  if (isStream) await response.body?.cancel();
  const text = isStream ? '' : await response.text();
  const code = /"code":\s*"([a-z_]+)"/.exec(text)?.[1] ?? '';
  return { status: response.status, code: response.status >= 400 ? code : '', text, comparable: text.replace(/"request_id":\s*"[^"]*"/, '') };
}

/** One request that must succeed: the ground that the matrix stands on. */
export async function must<T>(plane: Plane, method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<T> {
  const answer = await call(plane, method, path, headers, body);
  if (answer.status >= 300) throw new Error(`${method} ${path} was needed for the matrix and answered ${answer.status}: ${answer.text}`);
  return (answer.text === '' ? undefined : JSON.parse(answer.text)) as T;
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
export const OPERATOR = bearer(ADMIN_TOKEN);

export interface Tenant {
  id: string;
  admin: Record<string, string>;
  agent: Record<string, string>;
  agentId: string;
}

/** A new person of a tenant, signed in. */
export async function signedIn(plane: Plane, tenant: string, role: 'admin' | 'user' | 'client'): Promise<Record<string, string>> {
  return bearer((await createUser(plane, { role, tenant })).token);
}

export async function makeTenant(plane: Plane): Promise<Tenant> {
  const { id } = await createTenant(plane);
  const admin = await signedIn(plane, id, 'admin');
  const agent = await must<{ id: string; token: string }>(plane, 'POST', '/api/v1/agents', admin, { name: unique('agent') });
  return { id, admin, agent: { 'x-agent-token': agent.token }, agentId: agent.id };
}

async function apiKey(plane: Plane, admin: Record<string, string>, scopes: string[], expiresAt?: Date): Promise<{ id: string; headers: Record<string, string> }> {
  const { id, key } = await must<{ id: string; key: string }>(plane, 'POST', '/api/v1/security/api-keys', admin, {
    name: unique('key'),
    scopes,
    ...(expiresAt ? { expires_at: expiresAt.toISOString() } : {}),
  });
  return { id, headers: { 'x-api-key': key } };
}

/** Every kind of caller that the matrix has. */
export async function makeCallers(plane: Plane, own: Tenant, foreign: Tenant): Promise<Caller[]> {
  const expiring = await apiKey(plane, own.admin, ['*'], new Date(Date.now() + 1_000));
  const session = await signedIn(plane, own.id, 'admin');
  await must(plane, 'POST', '/api/v1/auth/logout', session, {});
  const revoked = await apiKey(plane, own.admin, ['*']);
  await must(plane, 'DELETE', `/api/v1/security/api-keys/${revoked.id}`, own.admin);
  await eventually(async () => (await call(plane, 'GET', '/api/v1/tasks', expiring.headers)).status === 401);
  return [
    { name: 'nobody', headers: {}, roles: [], side: 'own' },
    { name: 'admin', headers: own.admin, roles: ['admin'], side: 'own' },
    { name: 'user', headers: await signedIn(plane, own.id, 'user'), roles: ['user'], side: 'own' },
    { name: 'client', headers: await signedIn(plane, own.id, 'client'), roles: ['client'], side: 'own' },
    { name: 'agent', headers: own.agent, roles: ['agent'], side: 'own' },
    { name: 'operator for the tenant', headers: OPERATOR, roles: ['admin'], side: 'own', actsFor: own.id },
    { name: 'API key with every scope', headers: (await apiKey(plane, own.admin, ['*'])).headers, roles: ['admin'], side: 'own' },
    { name: 'API key with task:read', headers: (await apiKey(plane, own.admin, ['task:read'])).headers, roles: ['admin'], side: 'own', scope: 'task:read' },
    { name: "another tenant's admin", headers: foreign.admin, roles: ['admin'], side: 'foreign' },
    { name: "another tenant's agent", headers: foreign.agent, roles: ['agent'], side: 'foreign' },
    { name: 'signed-out session', headers: session, roles: [], side: 'own' },
    { name: 'revoked API key', headers: revoked.headers, roles: [], side: 'own' },
    { name: 'expired API key', headers: expiring.headers, roles: [], side: 'own' },
  ];
}
