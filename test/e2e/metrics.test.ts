import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';
import { unique } from '../support/factories.js';

const CLOSED = 'metrics-token-0123456789abcdef';

/** Samples of one metric, as `labels value`. */
function samples(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `)).map((line) => line.slice(name.length));
}

describe('GET /metrics', () => {
  let plane: Plane;
  let closed: Plane;
  const agentName = unique('secretive-agent');

  beforeAll(async () => {
    plane = await startPlane();
    closed = await startPlane({ database: plane.database, environment: { METRICS_TOKEN: CLOSED } });
  });
  afterAll(async () => {
    await closed.stop();
    await plane.stop();
  });

  it('counts and times requests by operation, and nothing by who made them', async () => {
    await plane.request('POST', '/api/v1/agents', { token: ADMIN_TOKEN, body: { name: agentName } });
    await plane.request('GET', '/api/v1/agents/not-an-id', { token: ADMIN_TOKEN });
    await plane.request('GET', '/nowhere');
    const { status, headers, body } = await plane.request<string>('GET', '/metrics');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch('text/plain');
    const requests = samples(body, 'http_requests_total');
    expect(requests).toContain('{operation="createAgent",method="POST",status="201"} 1');
    expect(requests).toContain('{operation="getAgent",method="GET",status="404"} 1');
    expect(requests).toContain('{operation="none",method="GET",status="404"} 1');
    expect(samples(body, 'http_request_duration_seconds_count')).toContain('{operation="createAgent"} 1');
    expect(body).not.toContain(agentName);
    expect(body).not.toContain('00000000-0000-7000-8000-000000000001');
  });

  it('shows the queue, the leases, the pools, the event loop and the consumers', async () => {
    const task = await plane.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title: 'Wait to be claimed' } });
    expect(task.status).toBe(201);
    // A plane of its own has read no figures yet, so these are not the cached ones of before the task.
    const fresh = await startPlane({ database: plane.database });
    const { body } = await fresh.request<string>('GET', '/metrics');
    await fresh.stop();
    expect(samples(body, 'wheelhouse_tasks')).toContain('{status="queued"} 1');
    expect(samples(body, 'wheelhouse_tasks')).toContain('{status="completed"} 0');
    expect(Number(samples(body, 'wheelhouse_queue_oldest_ready_seconds')[0])).toBeGreaterThan(0);
    expect(samples(body, 'wheelhouse_lease_expiries_total')).toEqual([' 0']);
    expect(samples(body, 'wheelhouse_database_up')).toEqual([' 1']);
    expect(samples(body, 'wheelhouse_pg_pool_connections').map((line) => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['{pool="tenant",state="busy"}', '{pool="tenant",state="idle"}', '{pool="system",state="waiting"}']),
    );
    expect(samples(body, 'nodejs_eventloop_lag_p99_seconds')).toHaveLength(1);
    expect(samples(body, 'process_resident_memory_bytes')).toHaveLength(1);
    const consumers = await plane.request<string>('GET', '/metrics');
    expect(consumers.body).toContain('# TYPE wheelhouse_event_consumer_lag_seconds gauge');
  });

  it('takes its bearer token alone when it has one', async () => {
    for (const headers of [{}, { authorization: `Bearer ${ADMIN_TOKEN}` }, { authorization: CLOSED }, { authorization: `Bearer ${CLOSED}x` }] as Record<string, string>[]) {
      const refused = await closed.request('GET', '/metrics', { headers });
      expect([refused.status, refused.body['code']]).toEqual([401, 'unauthenticated']);
    }
    const answered = await closed.request<string>('GET', '/metrics', { token: CLOSED });
    expect(answered.status).toBe(200);
    expect(answered.body).toContain('process_resident_memory_bytes');
  });
});
