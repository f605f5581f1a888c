import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { claim, createAgent, createTask, createTenant, createUser, ok, type SignedIn, unique } from '../support/factories.js';
import { type ApiResponse, type Plane, startPlane } from '../support/plane.js';

interface Backtest {
  from: string;
  to: string;
  events: number;
  matched: number;
  would_fire: number;
  truncated: boolean;
  notes: string[];
  samples: { event_id: string | null; event: string; occurred_at: string; outcome: string }[];
  code: string;
  errors: { field: string; code: string; message: string }[];
}

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
let plane: Plane;
let admin: SignedIn;
beforeAll(async () => {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
});
afterAll(() => plane.stop());
beforeEach(async () => {
  admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
});

const query = (text: string, values: unknown[]): Promise<object[]> => plane.app.get(SystemDatabase).query(text, values);
/** What a threshold would have done; it is never on. */
async function backtest(config: object, days = 1, fields: object = {}): Promise<ApiResponse<Backtest>> {
  const body = { name: unique('trigger'), type: 'threshold', enabled: false, config, action: { type: 'send_notification', config: { title: 'x', to: { roles: ['admin'] } } }, ...fields };
  const { id } = await ok(plane.request<{ id: string }>('POST', '/api/v1/triggers', { token: admin.token, body }));
  return plane.request('POST', `/api/v1/triggers/${id}/backtest`, { token: admin.token, body: { days } });
}
/** Attempts that ended some minutes ago. */
const ended = (name: string, minutes: readonly number[]): Promise<object[]> =>
  query(`insert into events (id, tenant_id, name, data, occurred_at) select gen_random_uuid(), $1, $2, '{}', now() - make_interval(secs => m * 60) from unnest($3::float8[]) m`, [admin.tenantId, name, minutes]);

describe('a backtest of a threshold', () => {
  it('over attempts that fail says when it would have fired, by their events', async () => {
    await ended('task.failed', [180, 179.9, 179.8, 60, 59.9, 59.8, 59.7]);
    await ended('task.completed', [180, 60]);
    const { status, body } = await backtest({ metric: 'failed_tasks', operator: '>=', value: 3, window_seconds: 300 });
    expect([status, body]).toMatchObject([200, { events: 9, matched: 2, would_fire: 2, truncated: false, notes: [] }]);
    const ago = body.samples.map(({ occurred_at }) => Math.round((Date.parse(body.to) - Date.parse(occurred_at)) / MINUTE));
    expect([ago, body.samples.map(({ event, outcome }) => [event, outcome])]).toEqual([[180, 60], [['threshold.crossed', 'fires'], ['threshold.crossed', 'fires']]]);
    // What was completed leaves the window before the last that failed.
    expect((await backtest({ metric: 'error_rate', operator: '>', value: 0.8, window_seconds: 300 })).body).toMatchObject({ matched: 2, would_fire: 2 });
    expect((await backtest({ metric: 'error_rate', operator: '<', value: 0 })).body).toMatchObject({ matched: 0 });
    expect((await backtest({ metric: 'failed_tasks', operator: '>=', value: 3, window_seconds: 300 }, 1, { max_per_hour: 1, cooldown_seconds: 3 * 3_600 })).body).toMatchObject({ matched: 2, would_fire: 1, skipped: { cooldown: 1 } });
    expect((await backtest({ metric: 'failed_tasks', operator: '>=', value: 3, window_seconds: 300, for_seconds: 3_600 })).body).toMatchObject({ matched: 0, would_fire: 0 });
  });

  it('over what was spent goes by the attempts that cost it, and says what it cannot place', async () => {
    const agent = await createAgent(plane, { max_concurrent_tasks: 10 }, admin.token);
    for (let n = 0; n < 3; n += 1) await createTask(plane, { agent_id: agent.id }, admin.token);
    for (const { task, lease } of await claim(plane, agent, { max: 10 })) await ok(plane.request('POST', `/api/v1/agent/tasks/${task.id}/complete`, { token: agent.token, body: { fence: lease.fence, usage: { cost_usd: 0.4 } } }));
    // So that all are of yesterday, however late it is.
    await query(`update events set occurred_at = occurred_at - interval '1 day' where tenant_id = $1 and name like 'task.%'`, [admin.tenantId]);
    await query(`update task_attempts set ended_at = ended_at - interval '1 day' where tenant_id = $1`, [admin.tenantId]);
    await query(`update usage_entries set occurred_at = occurred_at - interval '1 day' where tenant_id = $1`, [admin.tenantId]);
    await query(`update usage_daily set day = day - 1 where tenant_id = $1`, [admin.tenantId]);
    const over = (value: number): Promise<ApiResponse<Backtest>> => backtest({ metric: 'spend_today', operator: '>', value }, 3);
    expect((await over(1)).body).toMatchObject({ matched: 1, would_fire: 1, truncated: false, notes: [], samples: [{ event: 'threshold.crossed', outcome: 'fires' }] });
    expect((await over(1.2)).body).toMatchObject({ matched: 0, would_fire: 0, notes: [] });
    await query(`delete from task_attempts where ctid = any(array(select ctid from task_attempts where tenant_id = $1 limit 1))`, [admin.tenantId]);
    const day = new Date(Date.now() - DAY).toISOString().slice(0, 10);
    expect((await over(1)).body).toMatchObject({ matched: 0, notes: [`Of ${day}, 0.400000 of 1.200000 USD are left out: when they were spent is not recorded any more.`] });
  });

  it.each(['queue_depth', 'agents_offline'])('over %s says that nobody knows', async (metric) => {
    const { status, body } = await backtest({ metric, operator: '>', value: 1 });
    expect([status, body]).toMatchObject([422, { code: 'unprocessable', errors: [{ field: 'config.metric', code: 'not_recorded' }] }]);
    expect(body.errors[0]?.message).toContain('is not recorded');
  });

  it('goes back no further than events are kept', async () => {
    const { body } = await backtest({ metric: 'failed_tasks', operator: '<', value: 1 }, 90);
    expect(Date.parse(body.to) - Date.parse(body.from)).toBe(30 * DAY);
    expect(body.notes).toEqual(['Events are kept for 30 days: what was before is not looked at.']);
  });

  it('says from when on it knows all where there is too much', async () => {
    await query(`insert into events (id, tenant_id, name, data, occurred_at) select gen_random_uuid(), $1, 'task.failed', '{}', now() - make_interval(secs => 40000 - n) from generate_series(1, 20500) n`, [admin.tenantId]);
    const { body } = await backtest({ metric: 'failed_tasks', operator: '>', value: 400, window_seconds: 600 });
    expect([body.truncated, body.events]).toEqual([true, 20_000]);
    expect(Math.round((Date.parse(body.to) - Date.parse(body.from)) / 1_000)).toBeCloseTo(39_500 - 1_200, -2);
    expect(body).toMatchObject({ matched: 1, would_fire: 1 });
  });
});
