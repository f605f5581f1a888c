import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { RunArchive } from '../../src/work/workflows/runs/run-archive.service.js';
import { eventually } from '../support/eventually.js';
import { createTenant, createUser, ok, type SignedIn, unique } from '../support/factories.js';
import { type ApiResponse, type Plane, startPlane } from '../support/plane.js';
import { run } from '../support/runs.js';

interface Firing {
  status: string;
  reason: string | null;
  count: number;
  event: { name: string; data: { tick_at: string } };
}
interface Run {
  id: string;
  status: string;
  error: { code: string; message: string } | null;
  started_by: { kind: string; id: string };
  ended_at: string | null;
}

let plane: Plane;
let admin: SignedIn;
beforeAll(async () => {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
  admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
});
afterAll(() => plane.stop());

const query = <T extends object>(text: string, values: unknown[]): Promise<T[]> => plane.app.get(SystemDatabase).query<T>(text, values);
const call = <T>(method: string, path: string, body?: unknown): Promise<ApiResponse<T>> => plane.request<T>(method, `/api/v1/${path}`, { token: admin.token, body });
const items = async <T>(path: string): Promise<T[]> => (await ok(call<{ items: T[] }>('GET', path))).items;
const notices = async (type: string): Promise<{ type: string; body: string; link: string }[]> => (await items<{ type: string; body: string; link: string }>('notifications?limit=100')).filter((notice) => notice.type === type);
/** A tick that is due now and cannot be done: nobody knows its time zone any more. */
const breakTicks = (owner: string): Promise<object[]> => query(`update cron_ticks set timezone = 'Mars/Olympus', failures = 7, next_at = date_trunc('minute', now()), due_at = now() where owner_id = $1`, [owner]);

describe('a tick that is given up', () => {
  it('of a trigger is a failed line of its history, and administrators are told', async () => {
    const action = { type: 'send_notification', config: { title: 'x', to: { roles: ['admin'] } } };
    const trigger = await ok(call<{ id: string }>('POST', 'triggers', { name: unique('trigger'), type: 'cron', config: { expression: '@yearly' }, action }));
    const history = (): Promise<Firing[]> => items<Firing>(`triggers/${trigger.id}/history`);
    await breakTicks(trigger.id);
    const [failed] = await eventually(async () => ((await history()).length > 0 ? history() : undefined));
    expect(failed).toMatchObject({ status: 'failed', reason: expect.stringMatching(/^internal: /), count: 1, event: { name: 'cron.tick' } });
    expect(Date.parse(failed?.event.data.tick_at ?? '') % 60_000).toBe(0);
    expect(await notices('trigger_failed')).toMatchObject([{ body: failed?.reason, link: `/triggers/${trigger.id}` }]);
    await breakTicks(trigger.id);
    await eventually(async () => (await history())[0]?.count === 2);
  });

  it('of a workflow is a run that failed, which can be looked at and is not tried again', async () => {
    const workflow = await ok(call<{ id: string }>('POST', 'workflows', { name: unique('workflow'), steps: [{ key: 'a', type: 'transform' }], schedule: '@yearly', status: 'active' }));
    const runs = (): Promise<Run[]> => items<Run>(`workflows/${workflow.id}/runs`);
    await breakTicks(workflow.id);
    const [failed] = await eventually(async () => ((await runs()).length > 0 ? runs() : undefined));
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'internal', message: expect.stringContaining('given up') }, started_by: { kind: 'schedule', id: workflow.id } });
    expect(await run(failed?.id ?? '', admin.token, plane)).toMatchObject({ status: 'failed', steps: [] });
    expect((await call<{ code: string; detail: string }>('POST', `workflow-runs/${failed?.id ?? ''}/retry`, {})).body).toMatchObject({ code: 'invalid_transition', detail: expect.stringContaining('never began') });
    expect((await call('GET', `workflow-runs/${failed?.id ?? ''}/diagram`)).status).toBe(200);
    expect(await notices('workflow_failure')).toMatchObject([{ body: failed?.error?.message, link: `/workflow-runs/${failed?.id ?? ''}` }]);
    expect(await query(`select 1 from events where name = 'workflow.run' and data ->> 'run_id' = $1 and data ->> 'status' = 'failed'`, [failed?.id])).toHaveLength(1);
    await query(`update workflow_runs set ended_at = now() - interval '100 days' where id = $1`, [failed?.id]);
    await plane.app.get(RunArchive).archive(new AbortController().signal);
    expect(await run(failed?.id ?? '', admin.token, plane)).toMatchObject({ status: 'failed', steps: [] });
  });

  it('of a workflow is also one that is refused, by its reason', async () => {
    const workflow = await ok(call<{ id: string }>('POST', 'workflows', { name: unique('workflow'), steps: [{ key: 'a', type: 'transform' }], schedule: '@yearly', status: 'active' }));
    await query(`update workflow_versions set input_schema = '{"type": "object", "required": ["of"]}' where workflow_id = $1`, [workflow.id]);
    await query(`update cron_ticks set next_at = date_trunc('minute', now()), due_at = now(), expression = '* * * * *' where owner_id = $1`, [workflow.id]);
    const [failed] = await eventually(async () => (await items<Run>(`workflows/${workflow.id}/runs`)).length > 0 ? items<Run>(`workflows/${workflow.id}/runs`) : undefined);
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'workflow_input_invalid' }, started_by: { kind: 'schedule' } });
    await ok(call('DELETE', `workflows/${workflow.id}`));
  });
});
