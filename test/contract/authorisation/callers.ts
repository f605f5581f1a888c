import { createHmac } from 'node:crypto';
import { accessTokenKey } from '../../../src/identity/sessions/signing-key.js';
import { withAdmin } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { createTenant, createUser, someAddress, unique } from '../../support/factories.js';
import { ADMIN_TOKEN, JWT_SECRET, type RunningPlane } from '../../support/requests.js';

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
  /** The code with which everything that is not public refuses it, where that is not `unauthenticated`. */
  refusedWith?: string;
}

export interface Answer {
  status: number;
  code: string;
  text: string;
  /** The text without the id of the request, which differs by nature. */
  comparable: string;
}

/** One request. Of a stream only the head is read. */
export async function call(plane: RunningPlane, method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Answer> {
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
export async function must<T>(plane: RunningPlane, method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<T> {
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
export async function signedIn(plane: RunningPlane, tenant: string, role: 'admin' | 'user' | 'client'): Promise<Record<string, string>> {
  return bearer((await createUser(plane, { role, tenant })).token);
}

export async function makeTenant(plane: RunningPlane): Promise<Tenant> {
  const { id } = await createTenant(plane);
  const admin = await signedIn(plane, id, 'admin');
  const agent = await must<{ id: string; token: string }>(plane, 'POST', '/api/v1/agents', admin, { name: unique('agent') });
  return { id, admin, agent: { 'x-agent-token': agent.token }, agentId: agent.id };
}

async function apiKey(plane: RunningPlane, admin: Record<string, string>, scopes: string[], fields: Record<string, unknown> = {}): Promise<{ id: string; headers: Record<string, string> }> {
  const { id, key } = await must<{ id: string; key: string }>(plane, 'POST', '/api/v1/security/api-keys', admin, { name: unique('key'), scopes, ...fields });
  return { id, headers: { 'x-api-key': key } };
}

/** Every kind of caller that the matrix has. */
export async function makeCallers(plane: RunningPlane, own: Tenant, foreign: Tenant): Promise<Caller[]> {
  const parts = await Promise.all([makePeople(plane, own, foreign), gone(plane, own), cutOff(plane, own), cutOffTenant(plane), withoutFactor(plane)]);
  return parts.flat();
}

/** Nobody, and everybody who is let in somewhere. */
export async function makePeople(plane: RunningPlane, own: Tenant, foreign: Tenant): Promise<Caller[]> {
  const key = async (scope: string): Promise<Record<string, string>> => (await apiKey(plane, own.admin, [scope])).headers;
  return [
    { name: 'nobody', headers: {}, roles: [], side: 'own' },
    { name: 'admin', headers: own.admin, roles: ['admin'], side: 'own' },
    { name: 'user', headers: await signedIn(plane, own.id, 'user'), roles: ['user'], side: 'own' },
    { name: 'client', headers: await signedIn(plane, own.id, 'client'), roles: ['client'], side: 'own' },
    { name: 'agent', headers: own.agent, roles: ['agent'], side: 'own' },
    { name: 'operator for the tenant', headers: OPERATOR, roles: ['admin'], side: 'own', actsFor: own.id },
    { name: 'API key with every scope', headers: await key('*'), roles: ['admin'], side: 'own' },
    { name: 'API key with task:read', headers: await key('task:read'), roles: ['admin'], side: 'own', scope: 'task:read' },
    { name: "another tenant's admin", headers: foreign.admin, roles: ['admin'], side: 'foreign' },
    { name: "another tenant's agent", headers: foreign.agent, roles: ['agent'], side: 'foreign' },
  ];
}

const outsider = (name: string, headers: Record<string, string>, refusedWith = 'unauthenticated'): Caller => ({ name, headers, roles: [], side: 'own', refusedWith });

/** Credentials that were good once and are no more. */
async function gone(plane: RunningPlane, own: Tenant): Promise<Caller[]> {
  const signedOut = await signedIn(plane, own.id, 'admin');
  await must(plane, 'POST', '/api/v1/auth/logout', signedOut, {});
  const expired = await createUser(plane, { role: 'admin', tenant: own.id });
  await withAdmin((admin) => admin.query("update sessions set expires_at = now() - interval '1 second' where user_id = $1", [expired.id]), plane.database.name);
  const revoked = await apiKey(plane, own.admin, ['*']);
  await must(plane, 'DELETE', `/api/v1/security/api-keys/${revoked.id}`, own.admin);
  const expiring = await apiKey(plane, own.admin, ['*'], { expires_at: new Date(Date.now() + 1_000).toISOString() });
  const rotated = await must<{ id: string; token: string }>(plane, 'POST', '/api/v1/agents', own.admin, { name: unique('agent') });
  await must(plane, 'POST', `/api/v1/agents/${rotated.id}/rotate-token`, own.admin, {});
  await eventually(async () => (await call(plane, 'GET', '/api/v1/tasks', expiring.headers)).status === 401);
  return [
    outsider('signed-out session', signedOut),
    outsider('expired session', bearer(expired.token)),
    outsider('expired access token', bearer(expiredToken(own.admin)), 'token_expired'),
    outsider('revoked API key', revoked.headers),
    outsider('expired API key', expiring.headers),
    outsider('agent with its last token', { 'x-agent-token': rotated.token }),
  ];
}

/** The token of a session that goes on, of yesterday: rightly signed. */
function expiredToken({ authorization = '' }: Record<string, string>): string {
  const [header = '', claims = ''] = authorization.slice('Bearer '.length).split('.');
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const signed = `${header}.${part({ ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as object), iat: now - 86_400, exp: now - 85_500 })}`;
  return `${signed}.${createHmac('sha256', accessTokenKey(JWT_SECRET)).update(signed).digest('base64url')}`;
}

/** Who may do nothing any more: every credential is genuine and would do otherwise. */
async function cutOff(plane: RunningPlane, own: Tenant): Promise<Caller[]> {
  const disabled = await createUser(plane, { role: 'admin', tenant: own.id });
  const theirs = await apiKey(plane, bearer(disabled.token), ['*']);
  const elsewhere = await apiKey(plane, own.admin, ['*'], { allowed_addresses: ['192.0.2.1'] });
  const [killed, stopped, removed] = await Promise.all([1, 2, 3].map(() => must<{ id: string; token: string }>(plane, 'POST', '/api/v1/agents', own.admin, { name: unique('agent') })));
  await must(plane, 'DELETE', `/api/v1/admin/users/${disabled.id}`, own.admin);
  await must(plane, 'POST', `/api/v1/agents/${killed!.id}/kill`, own.admin, { reason: 'Gone astray.' });
  await must(plane, 'POST', `/api/v1/agents/${stopped!.id}/stop`, own.admin, {});
  await must(plane, 'DELETE', `/api/v1/agents/${removed!.id}`, own.admin);
  return [
    outsider('disabled user', bearer(disabled.token)),
    outsider("disabled user's API key", theirs.headers, 'account_disabled'),
    outsider('API key from elsewhere', elsewhere.headers, 'address_not_allowed'),
    outsider('killed agent', { 'x-agent-token': killed!.token }, 'agent_killed'),
    outsider('stopped agent', { 'x-agent-token': stopped!.token }, 'agent_inactive'),
    outsider('removed agent', { 'x-agent-token': removed!.token }),
  ];
}

async function cutOffTenant(plane: RunningPlane): Promise<Caller[]> {
  const suspended = await makeTenant(plane);
  const key = await apiKey(plane, suspended.admin, ['*']);
  await must(plane, 'POST', `/api/v1/tenants/${suspended.id}/suspend`, OPERATOR, {});
  const callers = { admin: suspended.admin, agent: suspended.agent, 'API key': key.headers };
  return Object.entries(callers).map(([name, headers]) => outsider(`suspended tenant's ${name}`, headers, 'tenant_suspended'));
}

async function withoutFactor(plane: RunningPlane): Promise<Caller[]> {
  const { id, admin } = await makeTenant(plane);
  await must(plane, 'PUT', '/api/v1/security', admin, { mfa: { required_roles: ['user'] } });
  return [outsider('user without the second factor that is due', await signedIn(plane, id, 'user'), 'mfa_setup_required')];
}
