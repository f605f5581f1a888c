import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { Problem } from '../../src/core/problem.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { Egress, type EgressAnswer } from '../../src/platform/egress/egress.js';
import { type CountingServer, countingServer } from './counting-server.js';
import { ok, unique } from './factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane } from './plane.js';
import { plane, startTwo, stopTwo } from './two-planes.js';

/** A circuit breaker as the API shows it. */
export interface Breaker extends Record<string, unknown> {
  id: string;
  name: string;
  state: string;
  forced: boolean;
  next_probe_at: string | null;
  revision: number;
  transitions: { from: string; to: string; reason: string; by_kind: string; counts: unknown }[];
}

export const BREAKERS = '/api/v1/circuit-breakers';
/** That the calls go to: a new one for each test. */
export let server: CountingServer;

/** Two planes that may call the server. */
export function withServer(): void {
  beforeAll(() => startTwo({ EGRESS_ALLOW: '127.0.0.1' }, { EGRESS_ALLOW: '127.0.0.1' }));
  afterAll(stopTwo);
  beforeEach(async () => {
    server = await countingServer();
  });
  afterEach(() => server.close());
}

export const save = (body: object, token = ADMIN_TOKEN, at: Plane = plane): Promise<ApiResponse<Breaker>> => at.request('POST', BREAKERS, { token, body });
export const post = (name: string, verb: string, token = ADMIN_TOKEN, at: Plane = plane): Promise<ApiResponse<Breaker>> => at.request('POST', `${BREAKERS}/${name}/${verb}`, { token, body: {} });
export const read = (name: string, token = ADMIN_TOKEN, at: Plane = plane): Promise<Breaker> => ok(at.request<Breaker>('GET', `${BREAKERS}/${name}`, { token }));

/** Calls the server from a plane, as a tenant. @returns the status, or the code of the problem */
export async function call(at: Plane = plane, tenantId: string = OPERATOR_TENANT_ID, options: { timeoutMs?: number; url?: string } = {}): Promise<number | Problem> {
  const request = (): Promise<EgressAnswer> => at.app.get(Egress).request({ url: server.url, purpose: 'test', ...options });
  return at.app.get(RequestContext).runAsSystem(tenantId, 'test', request).then((answer) => answer.status, (error: unknown) => error as Problem);
}
export const codeOf = (result: number | Problem): number | string => (typeof result === 'number' ? result : result.code);
export const codes = async (...calls: Promise<number | Problem>[]): Promise<(number | string)[]> => (await Promise.all(calls)).map(codeOf);

/** The time that it stays open is over. */
export async function untilProbe(name: string): Promise<void> {
  await plane.app.get(SystemDatabase).query(`update circuit_breakers set next_probe_at = clock_timestamp() - interval '1 second' where name = $1`, [name]);
  // What a process knows of a breaker is kept for two seconds at most: a harmless change makes it look again.
  const { window_seconds: seconds } = await read(name);
  await ok(save({ name, window_seconds: seconds }));
}

/** A breaker over the server. @returns its name */
export const made = async (fields: object = {}, token?: string): Promise<string> => {
  const name = unique('breaker');
  await ok(save({ name, target: server.host, ...fields }, token));
  return name;
};
