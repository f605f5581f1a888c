import { randomBytes, randomInt } from 'node:crypto';
import { ADMIN_TOKEN, type ApiResponse, type RunningPlane } from './requests.js';

export const PASSWORD = 'seven-otters-hum-at-noon';

/** A name that no other call gives. */
export const unique = (stem: string): string => `${stem}-${randomBytes(6).toString('hex')}`;

/** An address for `X-Forwarded-For`: with TRUST_PROXY=loopback each caller has limits of its own. In no network that tests make rules about: those are below 10.128. */
export const someAddress = (): string => `10.${randomInt(128, 256)}.${randomInt(256)}.${randomInt(1, 255)}`;

export interface SignedIn {
  id: string;
  email: string;
  token: string;
  refreshToken: string;
  tenantId: string;
}

export interface Tokens {
  access_token: string;
  refresh_token: string;
  token_type: string;
  expires_in: number;
  user: Record<string, unknown> & { id: string; tenant_id: string };
}

export function login(
  plane: RunningPlane,
  email: string,
  password: string = PASSWORD,
  address: string = someAddress(),
): Promise<ApiResponse<Tokens & { code?: string }>> {
  return plane.request('POST', '/api/v1/auth/login', { body: { email, password }, headers: { 'x-forwarded-for': address } });
}

/** A tenant of its own. */
export async function createTenant(plane: RunningPlane, slug: string = unique('tenant')): Promise<{ id: string; slug: string }> {
  const { status, body } = await plane.request<{ id: string }>('POST', '/api/v1/tenants', {
    token: ADMIN_TOKEN,
    body: { name: slug, slug },
  });
  if (status !== 201) throw new Error(`The tenant was not made: ${JSON.stringify(body)}`);
  return { id: body.id, slug };
}

/** A user who has signed in, in the default tenant or the one named. */
export async function createUser(
  plane: RunningPlane,
  options: { role?: 'admin' | 'user' | 'client'; tenant?: string; email?: string } = {},
): Promise<SignedIn> {
  const email = options.email ?? `${unique('person')}@example.com`;
  const made = await plane.request<{ id: string; tenant_id: string }>('POST', '/api/v1/admin/users', {
    token: ADMIN_TOKEN,
    body: {
      email,
      password: PASSWORD,
      full_name: 'A Person',
      role: options.role ?? 'user',
      ...(options.tenant ? { tenant_id: options.tenant } : {}),
    },
  });
  if (made.status !== 201) throw new Error(`The user was not made: ${JSON.stringify(made.body)}`);
  const { body } = await login(plane, email);
  return { id: made.body.id, email, token: body.access_token, refreshToken: body.refresh_token, tenantId: made.body.tenant_id };
}

export interface TestAgent {
  id: string;
  token: string;
}

export interface TestTask {
  id: string;
  status: string;
  fence: number;
  [field: string]: unknown;
}

export interface TestClaim {
  task: TestTask;
  lease: { fence: number; expires_at: string };
}

/** The body of an answer that must not be a refusal. */
export async function ok<T>(answer: Promise<ApiResponse<T>>): Promise<T> {
  const { status, body } = await answer;
  if (status >= 400) throw new Error(`Refused with ${status}: ${JSON.stringify(body)}`);
  return body;
}

export function createAgent(
  plane: RunningPlane,
  fields: Record<string, unknown> = {},
  token: string = ADMIN_TOKEN,
): Promise<TestAgent & Record<string, unknown>> {
  return ok(
    plane.request<TestAgent & Record<string, unknown>>('POST', '/api/v1/agents', { token, body: { name: unique('agent'), ...fields } }),
  );
}

export function createTask(plane: RunningPlane, fields: Record<string, unknown> = {}, token: string = ADMIN_TOKEN): Promise<TestTask> {
  return ok(plane.request<TestTask>('POST', '/api/v1/tasks', { token, body: { title: 'A task', ...fields } }));
}

/** A board with agents on it. */
export async function createBoard(
  plane: RunningPlane,
  fields: Record<string, unknown> = {},
  agents: readonly TestAgent[] = [],
  token: string = ADMIN_TOKEN,
): Promise<{ id: string }> {
  const board = await ok(plane.request<{ id: string }>('POST', '/api/v1/boards', { token, body: { name: unique('board'), ...fields } }));
  for (const agent of agents) await ok(plane.request('PUT', `/api/v1/boards/${board.id}/agents/${agent.id}`, { token }));
  return board;
}

/** Claims as an agent. */
export async function claim(plane: RunningPlane, agent: TestAgent, body: Record<string, unknown> = {}): Promise<TestClaim[]> {
  return (await ok(plane.request<{ items: TestClaim[] }>('POST', '/api/v1/agent/tasks/claim', { token: agent.token, body }))).items;
}
