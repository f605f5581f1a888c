import { TransactionHost } from '@nestjs-cls/transactional';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { FiringRecorder } from '../../src/work/triggers/firing-recorder.service.js';
import { FiringRunner } from '../../src/work/triggers/firing-runner.js';
import { ThresholdWatch } from '../../src/work/triggers/threshold-watch.js';
import { TriggersRepository } from '../../src/work/triggers/triggers.repository.js';
import { countingServer } from '../support/counting-server.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createTask, createTenant, createUser, ok, type SignedIn, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane } from '../support/plane.js';
import { publish } from '../support/socket.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

interface Trigger {
  id: string;
  enabled: boolean;
  last_fired_at: string | null;
  revision: number;
  config: Record<string, unknown>;
  [field: string]: unknown;
}
interface Firing {
  id: string;
  status: string;
  reason: string | null;
  count: number;
  event: { id: string; name: string; data: Record<string, unknown> };
  chain: string[];
  result: Record<string, unknown> | null;
}

let admin: SignedIn;
let user: SignedIn;
let tenant: { id: string; slug: string };
beforeAll(async () => {
  await startTwo({ EGRESS_ALLOW: '127.0.0.1', PLAN_LIMITS: JSON.stringify({ few: { triggers: 1 } }) }, { EGRESS_ALLOW: '127.0.0.1' });
  tenant = await createTenant(plane);
  admin = await createUser(plane, { role: 'admin', tenant: tenant.id });
  user = await createUser(plane, { tenant: tenant.id });
});
afterAll(stopTwo);

type Problem = { code: string; errors: { field: string; code: string }[] };
const call = <T = Trigger & Problem>(method: string, path: string, body?: unknown, token = admin.token, on: Plane = plane): Promise<ApiResponse<T>> => on.request<T>(method, `/api/v1/triggers${path}`, { token, body });
const query = <T extends object>(text: string, values: unknown[] = []): Promise<T[]> => plane.app.get(SystemDatabase).query<T>(text, values);
const NOTE = { type: 'send_notification', config: { title: 'Happened', to: { roles: ['admin'] } } };
const body = (fields: object = {}): object => ({ name: unique('trigger'), type: 'event', config: { event: 'board.memory_added' }, action: NOTE, ...fields });
const make = (fields: object = {}, token = admin.token): Promise<Trigger> => ok(call<Trigger>('POST', '', body(fields), token));
/** An event that everybody sees and nothing else acts on. */
const alert = (data: object = {}, times = 1, on: Plane = plane): Promise<void> => publish(on, 'board.memory_added', data, times, tenant.id);
const history = async (id: string, filter = ''): Promise<Firing[]> => (await ok(call<{ items: Firing[] }>('GET', `/${id}/history?limit=100${filter}`))).items;
const until = (id: string, count: number, status = 'fired'): Promise<Firing[]> => eventually(async () => {
  const found = (await history(id)).filter((firing) => firing.status === status);
  return found.length >= count ? found : undefined;
});
/** Every consumer has passed what has happened until now. */
async function settled(): Promise<void> {
  const probe = await make({ config: { event: 'board.memory_added', filter: "$event.data.probe = true" } });
  await alert({ probe: true });
  await until(probe.id, 1);
  await ok(call('DELETE', `/${probe.id}`));
}
const asTenant = <T>(work: () => Promise<T>): Promise<T> => plane.app.get(RequestContext).runAsSystem(tenant.id, 'test', work);
const only = (marker: string): { event: string; filter: string } => ({ event: 'board.memory_added', filter: `$event.data.mark = '${marker}'` });

describe('a trigger', () => {
  it('is made, read, changed, listed and deleted', async () => {
    const made = await call('POST', '', body({ name: 'One', description: 'Why', max_per_hour: 5, cooldown_seconds: 6, coalesce_seconds: 7 }));
    expect([made.status, made.body]).toMatchObject([201, { name: 'One', description: 'Why', type: 'event', config: { event: 'board.memory_added' }, enabled: true, max_per_hour: 5, cooldown_seconds: 6, coalesce_seconds: 7, last_fired_at: null, revision: 1, created_by_id: admin.id }]);
    const { id } = made.body;
    expect((await call('GET', `/${id}`)).body).toEqual(made.body);
    const changed = await ok(call('PUT', `/${id}`, { name: 'Two', description: null }));
    expect(changed).toMatchObject({ name: 'Two', description: null, revision: 2, max_per_hour: 5, config: { event: 'board.memory_added' } });
    expect(await ok(call('PUT', `/${id}`, { type: 'cron', config: { expression: '0 9 * * 1', timezone: 'Europe/Berlin' } }))).toMatchObject({ type: 'cron', config: { expression: '0 9 * * 1', timezone: 'Europe/Berlin', missed: 'skip' } });
    expect(await query('select expression from cron_ticks where owner_id = $1', [id])).toEqual([{ expression: '0 9 * * 1' }]);
    expect((await ok(call<{ items: Trigger[] }>('GET', '?type=cron&enabled=true'))).items.map((trigger) => trigger.id)).toContain(id);
    expect((await call('DELETE', `/${id}`)).status).toBe(204);
    expect(await query('select 1 from cron_ticks where owner_id = $1', [id])).toEqual([]);
    expect((await call('GET', `/${id}`)).status).toBe(404);
  });

  it.each([
    [{ config: { event: 'no.such.event' } }, 422, 'config.event'],
    [{ config: { event: 'notification' } }, 422, 'config.event'],
    [{ config: { event: 'board.memory_added', filter: '$event.(' } }, 422, 'config.filter'],
    [{ config: { event: 'board.memory_added', filter: '$eval("1")' } }, 422, 'config.filter'],
    [{ config: { event: 'board.memory_added', more: 1 } }, 400, 'config.more'],
    [{ config: {} }, 400, 'config.event'],
    [{ type: 'cron', config: { expression: 'now and then' } }, 422, 'config.expression'],
    [{ type: 'cron', config: { expression: '@daily', timezone: 'Mars/Olympus' } }, 422, 'config.timezone'],
    [{ type: 'cron', config: { expression: '@daily', missed: 'some' } }, 400, 'config.missed'],
    [{ type: 'threshold', config: { metric: 'mood', operator: '>', value: 1 } }, 400, 'config.metric'],
    [{ type: 'other' }, 400, 'type'],
    [{ action: { type: 'send_notification', config: { title: 'x', to: {} } } }, 400, 'action.config.to'],
    [{ action: { type: 'create_task', config: { title: '{% $event.( %}' } } }, 422, 'action.config'],
    [{ action: { type: 'create_task', config: { title: 'x', secret: 1 } } }, 400, 'action.config.secret'],
    [{ action: { type: 'call_webhook', config: { url: 'https://example.com/{% $event.id %}' } } }, 400, 'action.config.url'],
    [{ action: { type: 'call_webhook', config: {} } }, 400, 'action.config'],
    [{ max_per_hour: 0 }, 400, 'max_per_hour'],
  ])('is refused: %j', async (fields, status, field) => {
    const answer = await call('POST', '', body(fields));
    expect([answer.status, answer.body.errors[0]?.field]).toEqual([status, field]);
  });

  it.each([
    { config: { event: 'board.memory_added', filter: "$event.data.x = '\0'" } },
    { action: { type: 'create_task', config: { title: 'a\0b' } } },
    { action: { type: 'create_task', config: { title: '\ud800' } } },
    { action: { type: 'create_task', config: { title: 'x', payload: { a: ['\0'] } } } },
    { action: { type: 'call_webhook', config: { url: 'https://example.com', data: { ['\ud800']: 1 } } } },
    { name: '\0' },
  ])('with text that cannot be stored is refused, not broken: %j', async (fields) => {
    expect((await call('POST', '', body(fields))).status).toBe(400);
  });

  it('sees what the role of its writer sees, and does no more than that may', async () => {
    const mine = await make({ config: { event: '**' } }, user.token);
    await publish(plane, 'dead_letter.probe', { of: 'admins' }, 1, tenant.id);
    await alert({ of: 'everybody' });
    const [first] = await until(mine.id, 1);
    expect(first?.event.data).toEqual({ of: 'everybody' });
    const { key } = await ok(plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: user.token, body: { name: unique('key'), scopes: ['trigger:write'] } }));
    for (const action of [{ type: 'call_webhook', config: { url: 'https://example.com' } }, { type: 'create_task', config: { title: 'x' } }]) expect((await call('POST', '', body({ action }), key)).body.code).toBe('forbidden');
    // A key's scopes say what it is told, too.
    expect((await call('POST', '', body(), key)).body).toMatchObject({ code: 'forbidden', permission: 'board:read' });
    await ok(call('DELETE', `/${mine.id}`));
  });

  it('shows who looks at it, and who changes it, no event that they may not see', async () => {
    const theirs = await make({ config: { event: 'plan_limit.reached' }, coalesce_seconds: 3_600 });
    await publish(plane, 'plan_limit.reached', { limit_name: 'agents', limit: 3 }, 1, tenant.id);
    const [firing] = await until(theirs.id, 1, 'pending');
    expect(firing?.event.data).toEqual({ limit_name: 'agents', limit: 3 });
    const seen = async (): Promise<Firing[]> => (await ok(call<{ items: Firing[] }>('GET', `/${theirs.id}/history`, undefined, user.token))).items;
    expect((await seen())[0]?.event).toMatchObject({ name: 'plan_limit.reached', data: {} });
    await ok(call('PUT', `/${theirs.id}`, { action: { type: 'send_notification', config: { title: 'Mine', to: { users: [user.id] } } } }, user.token));
    expect((await seen())[0]).toMatchObject({ status: 'skipped', reason: 'hidden' });
    // Let through before, and written down only after that.
    const late = await make({ config: { event: 'plan_limit.reached' }, coalesce_seconds: 3_600 });
    await publish(plane, 'plan_limit.reached', {}, 1, tenant.id);
    await until(late.id, 1, 'pending');
    await query(`with changed as (update triggers set as_role = 'user' where id = $1) update trigger_firings set due_at = now() where trigger_id = $1`, [late.id]);
    expect(await until(late.id, 1, 'skipped')).toMatchObject([{ reason: 'hidden' }]);
  });

  it('counts against the plan', async () => {
    const limited = await createTenant(plane);
    const owner = await createUser(plane, { role: 'admin', tenant: limited.id });
    await ok(plane.request('PATCH', `/api/v1/tenants/${limited.id}`, { token: ADMIN_TOKEN, body: { plan: 'few' } }));
    const made = await Promise.all(Array.from({ length: 10 }, () => call('POST', '', body(), owner.token)));
    expect(made.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(made.find(({ status }) => status !== 201)?.body.code).toBe('plan_limit_reached');
  });
});

describe('an event', () => {
  it('fires what its filter lets through, once each, whichever process follows', async () => {
    const trigger = await make({ config: { event: 'board.*', filter: "$event.data.mark = 'once' and $event.data.n > 2" }, action: { type: 'create_task', config: { title: 'Look at {% $event.data.n %}', payload: { n: '{% $event.data.n %}', of: '{% $trigger.name %}' } } } });
    await Promise.all(Array.from({ length: 20 }, (_, n) => alert({ mark: 'once', n }, 1, n % 2 ? plane : second)));
    const fired = await until(trigger.id, 17);
    await settled();
    expect(await history(trigger.id)).toHaveLength(17);
    const tasks = await query<{ title: string; payload: { n: number; of: string }; created_by_kind: string; created_by_id: string }>(`select title, payload, created_by_kind, created_by_id from tasks where tenant_id = $1 and payload ->> 'of' = $2`, [tenant.id, trigger['name']]);
    expect(tasks.map(({ payload }) => payload.n).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 17 }, (_, n) => n + 3));
    expect(tasks[0]?.title).toMatch(/^Look at \d+$/);
    expect(tasks.map(({ created_by_id }) => created_by_id).toSorted()).toEqual(fired.map(({ id }) => `trigger:${id}`).toSorted());
    expect((await ok(call('GET', `/${trigger.id}`))).last_fired_at).not.toBeNull();
  });

  it('that is delivered again fires nothing', async () => {
    const trigger = await make({ config: only('again') });
    await alert({ mark: 'again' }, 3);
    await until(trigger.id, 3);
    await query(`update event_consumers set tx = 0, seq = 0 where name = 'triggers'`);
    await settled();
    expect(await history(trigger.id)).toHaveLength(3);
  });

  it('of the time before the trigger, or while it was off, does not concern it', async () => {
    await alert({ mark: 'before' });
    const trigger = await make({ config: only('before') });
    await ok(call('POST', `/${trigger.id}/toggle`, {}));
    await alert({ mark: 'before' });
    await settled();
    expect(await ok(call('POST', `/${trigger.id}/toggle`, {}))).toMatchObject({ enabled: true });
    await settled();
    expect(await history(trigger.id)).toEqual([]);
    await alert({ mark: 'before' });
    await until(trigger.id, 1);
  });

  it('whose filter fails, and an action that cannot be done, are in the history, with the reason', async () => {
    const filter = await make({ config: { event: 'board.memory_added', filter: "$event.data.mark = 'bad' and $number($event.data.text) > 1" } });
    const action = await make({ config: only('bad'), action: { type: 'create_task', config: { title: 'x', agent_id: '{% $event.data.agent %}' } } });
    const broken = await make({ config: only('bad'), action: { type: 'create_task', config: { title: '{% $number($event.data.text) %}' } } });
    await alert({ mark: 'bad', text: 'none', agent: 'nobody' }, 2);
    expect((await until(filter.id, 1, 'failed'))[0]).toMatchObject({ reason: expect.stringMatching(/^filter: /) as string, count: 2 });
    expect((await until(action.id, 2, 'failed'))[0]?.reason).toMatch(/^invalid_request: agent_id/);
    expect((await until(broken.id, 2, 'failed'))[0]?.reason).toMatch(/^expression_failed: /);
    const { items } = await ok(plane.request<{ items: { type: string; title: string }[] }>('GET', '/api/v1/notifications?limit=100', { token: admin.token }));
    expect(items.filter(({ type, title }) => type === 'trigger_failed' && title.includes(String(action['name'])))).toHaveLength(1);
  });

  it('that an inbound endpoint has received fires a trigger of the type webhook', async () => {
    const other = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02';
    const { id: mine } = await ok(plane.request<{ id: string }>('POST', '/api/v1/webhooks', { token: admin.token, body: { name: unique('endpoint') } }));
    const trigger = await make({ type: 'webhook', config: { webhook_id: mine, filter: '$event.data.size > 1' } });
    const any = await make({ type: 'webhook', config: {} });
    for (const [webhook_id, size] of [[mine, 2], [mine, 1], [other, 2]]) await publish(plane, 'webhook.received', { webhook_id, size, payload_id: mine }, 1, tenant.id);
    await until(any.id, 3);
    await settled();
    expect((await history(trigger.id)).map(({ event }) => event.data)).toMatchObject([{ webhook_id: mine, size: 2 }]);
  });

  it('calls a webhook', async () => {
    const server = await countingServer();
    const trigger = await make({ config: only('call'), action: { type: 'call_webhook', config: { url: server.url, data: { n: '{% $event.data.n %}' } } } });
    await alert({ mark: 'call', n: 5 });
    await until(trigger.id, 1);
    await eventually(() => server.requests > 0);
    await server.close();
  });
});

describe('the pace', () => {
  it('makes one firing of what comes together, with the number', async () => {
    const trigger = await make({ config: only('many'), coalesce_seconds: 3600, action: { type: 'send_notification', config: { title: '{% $count %} of them', to: { users: [admin.id] } } } });
    await alert({ mark: 'many' }, 4);
    await alert({ mark: 'many' }, 3, second);
    await eventually(async () => (await history(trigger.id))[0]?.count === 7);
    expect((await history(trigger.id)).map(({ status }) => status)).toEqual(['pending']);
    await query('update trigger_firings set due_at = now() where trigger_id = $1', [trigger.id]);
    await until(trigger.id, 1);
    const { items } = await ok(plane.request<{ items: { title: string }[] }>('GET', '/api/v1/notifications', { token: admin.token }));
    expect(items.map(({ title }) => title)).toContain('7 of them');
  });

  it('names a notification after its trigger where its title says nothing', async () => {
    const trigger = await make({ config: { event: 'board.memory_added', filter: "$event.data.mark = 'untitled'" }, action: { type: 'send_notification', config: { title: '{% $event.data.note %}', body: '{% $event.data.note %}', to: { users: [admin.id] } } } });
    await alert({ mark: 'untitled' });
    await until(trigger.id, 1);
    const { items } = await ok(plane.request<{ items: { title: string; body: string }[] }>('GET', '/api/v1/notifications?limit=100', { token: admin.token }));
    expect(items.filter(({ title }) => title === trigger['name'])).toMatchObject([{ body: '' }]);
  });

  it('passes over what comes in the cooldown and beyond the cap, and says how much', async () => {
    const cooled = await make({ config: only('pace'), cooldown_seconds: 3600 });
    const capped = await make({ config: only('pace'), max_per_hour: 2 });
    await alert({ mark: 'pace' }, 5);
    await until(cooled.id, 1);
    await until(capped.id, 2);
    await alert({ mark: 'pace' }, 5);
    await eventually(async () => (await history(cooled.id, '&status=skipped'))[0]?.count === 9 && (await history(capped.id, '&status=skipped'))[0]?.count === 8);
    expect((await history(cooled.id)).map(({ status, reason }) => [status, reason])).toEqual([['skipped', 'cooldown'], ['fired', null]]);
    expect((await history(capped.id)).map(({ status, reason }) => [status, reason])).toEqual([['skipped', 'rate_cap'], ['fired', null], ['fired', null]]);
    const { items } = await ok(plane.request<{ items: { type: string; title: string }[] }>('GET', '/api/v1/notifications?limit=100', { token: admin.token }));
    expect(items.filter(({ type, title }) => type === 'trigger_rate_cap' && title.includes(String(capped['name'])))).toHaveLength(1);
  });
});

describe('a loop', () => {
  it('is stopped at the first return: a trigger that fires itself, directly, through another, or through a part of its task', async () => {
    const act = (title: string): object => ({ type: 'create_task', config: { title } });
    const self = await make({ config: { event: 'task.created', filter: "$event.data.title = 'self'" }, action: act('self') });
    const one = await make({ config: { event: 'task.created', filter: "$event.data.title = 'one'" }, action: act('two') });
    const two = await make({ config: { event: 'task.created', filter: "$event.data.title = 'two'" }, action: act('one') });
    await createTask(plane, { title: 'self' }, admin.token);
    await createTask(plane, { title: 'one' }, admin.token);
    expect(await until(self.id, 1, 'skipped')).toMatchObject([{ reason: 'loop', chain: [self.id] }]);
    expect(await ok(call('POST', `/${self.id}/backtest`, { days: 1 }))).toMatchObject({ skipped: { loop: 1 } });
    expect(await until(one.id, 1, 'skipped')).toMatchObject([{ reason: 'loop', chain: [one.id, two.id] }]);
    await settled();
    expect([(await history(self.id)).length, (await history(one.id)).length, (await history(two.id)).length]).toEqual([2, 2, 1]);
    const [made] = (await history(self.id, '&status=fired')).map(({ result }) => String(result?.['task_id']));
    await createTask(plane, { title: 'self', parent_task_id: made }, admin.token);
    await eventually(async () => (await history(self.id, '&status=skipped'))[0]?.count === 2);
    const { items } = await ok(plane.request<{ items: { type: string }[] }>('GET', '/api/v1/notifications?limit=100', { token: admin.token }));
    expect(items.filter(({ type }) => type === 'trigger_loop').length).toBeGreaterThanOrEqual(2);
    for (const { id } of [self, one, two]) await ok(call('DELETE', `/${id}`));
  });

  it('of its own events is one too', async () => {
    const name = unique('returns');
    const trigger = await make({ name, config: { event: 'trigger.fired', filter: `$event.data.name = '${name}'` } });
    const starter = await make({ name, config: only('start') });
    await alert({ mark: 'start' });
    await until(starter.id, 1);
    expect(await until(trigger.id, 1, 'skipped')).toMatchObject([{ reason: 'loop' }]);
    expect((await history(trigger.id, '&status=fired')).length).toBe(1);
    await ok(call('DELETE', `/${trigger.id}`));
  });
});

describe('turned off', () => {
  it('it stops at once in every process, and what waits of it is ended', async () => {
    const trigger = await make({ config: only('off'), coalesce_seconds: 3600 });
    await alert({ mark: 'off' });
    await until(trigger.id, 1, 'pending');
    expect(await ok(call('POST', `/${trigger.id}/toggle`, { enabled: false }, admin.token, second))).toMatchObject({ enabled: false });
    await query(`update trigger_firings set due_at = now() where trigger_id = $1`, [trigger.id]);
    await alert({ mark: 'off' });
    await settled();
    expect((await history(trigger.id)).map(({ status, reason }) => [status, reason])).toEqual([['skipped', 'disabled']]);
  });

  it('in the midst of a firing, that is not done: also when it was taken before', async () => {
    const trigger = await make({ config: only('midst'), coalesce_seconds: 3600 });
    await alert({ mark: 'midst' });
    const [firing] = await until(trigger.id, 1, 'pending');
    // Taken by a process that is about to do it.
    await query('update triggers set enabled = false where id = $1', [trigger.id]);
    await query(`update trigger_firings set due_at = now() where id = $1`, [firing?.id]);
    await plane.app.get(FiringRunner).round();
    expect((await until(trigger.id, 1, 'skipped'))[0]?.reason).toBe('disabled');
  });

  it('while its action is being done, who turns it off waits for that: afterwards none follows', async () => {
    const trigger = await make({ config: only('during') });
    const order: string[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let holding: Promise<void> | undefined;
    await new Promise<void>((begun) => {
      // As the transaction of an action holds it.
      holding = asTenant(() => plane.app.get(TransactionHost).withTransaction(async () => {
        await plane.app.get(TriggersRepository).share(tenant.id, trigger.id);
        begun();
        await held;
        order.push('done');
      }));
    });
    const off = call('POST', `/${trigger.id}/toggle`, { enabled: false }, admin.token, second).then(() => order.push('off'));
    const waits = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query ilike '%triggers%'`;
    try {
      await withAdmin((database) => eventually(async () => (await database.query(waits)).rows.length > 0), plane.database.name);
    } finally {
      release();
      await Promise.all([off, holding]);
    }
    expect(order).toEqual(['done', 'off']);
  });

  it('with its tenant, nothing fires until that is resumed', async () => {
    const other = await createTenant(plane);
    const owner = await createUser(plane, { role: 'admin', tenant: other.id });
    const trigger = await make({ config: { event: 'board.memory_added' }, coalesce_seconds: 3600 }, owner.token);
    await publish(plane, 'board.memory_added', {}, 1, other.id);
    const status = async (): Promise<string | undefined> => (await query<{ status: string }>('select status from trigger_firings where trigger_id = $1', [trigger.id]))[0]?.status;
    await eventually(async () => (await status()) === 'pending');
    await ok(plane.request('POST', `/api/v1/tenants/${other.id}/suspend`, { token: ADMIN_TOKEN, body: {} }));
    await query('update trigger_firings set due_at = now() where trigger_id = $1', [trigger.id]);
    await plane.app.get(FiringRunner).round();
    await second.app.get(FiringRunner).round();
    expect(await status()).toBe('pending');
    await ok(plane.request('POST', `/api/v1/tenants/${other.id}/resume`, { token: ADMIN_TOKEN, body: {} }));
    await eventually(async () => (await status()) === 'fired');
  });
});

describe('the clock', () => {
  it('fires a trigger at its ticks, once in all processes', async () => {
    const trigger = await make({ type: 'cron', config: { expression: '* * * * *', missed: 'all' } });
    await query(`update cron_ticks set next_at = date_trunc('minute', now() - interval '3 minutes'), due_at = now() where owner_id = $1`, [trigger.id]);
    const fired = await until(trigger.id, 4);
    expect(fired[0]?.event).toMatchObject({ name: 'cron.tick' });
    expect(new Set(fired.map(({ event }) => event.data['tick_at'])).size).toBe(fired.length);
    await ok(call('POST', `/${trigger.id}/toggle`, { enabled: false }));
    expect(await query('select 1 from cron_ticks where owner_id = $1', [trigger.id])).toEqual([]);
  });

  it('makes one firing of ticks that come together', async () => {
    const trigger = await make({ type: 'cron', config: { expression: '* * * * *', missed: 'all' }, coalesce_seconds: 3_600 });
    await query(`update cron_ticks set next_at = date_trunc('minute', now() - interval '3 minutes'), due_at = now() where owner_id = $1`, [trigger.id]);
    const [firing, ...others] = await eventually(async () => {
      const all = await history(trigger.id);
      return (all[0]?.count ?? 0) >= 4 ? all : undefined;
    });
    expect([firing?.status, others]).toEqual(['pending', []]);
    await ok(call('DELETE', `/${trigger.id}`));
  });
});

describe('a threshold', () => {
  const look = async (): Promise<void> => {
    await Promise.all([plane, second].map(({ app }) => app.get(ThresholdWatch).round()));
  };

  it('fires when a metric has crossed it for long enough, once for each crossing', async () => {
    const agent = await createAgent(plane, {}, admin.token);
    const offline = (await query('select 1 from agents where tenant_id = $1 and is_active and status = $2', [tenant.id, 'offline'])).length;
    const trigger = await make({ type: 'threshold', config: { metric: 'agents_offline', operator: '>', value: offline - 1, for_seconds: 600 } });
    await look();
    await eventually(async () => (await query(`select 1 from trigger_states where trigger_id = $1 and beyond_since is not null`, [trigger.id])).length === 1);
    expect(await history(trigger.id)).toEqual([]);
    await query(`update trigger_states set beyond_since = now() - interval '601 seconds' where trigger_id = $1`, [trigger.id]);
    await look();
    await look();
    expect(await until(trigger.id, 1)).toMatchObject([{ event: { name: 'threshold.crossed', data: { metric: 'agents_offline', value: offline } } }]);
    await ok(plane.request('POST', '/api/v1/agent/heartbeat', { token: agent.token, body: { status: 'online' } }));
    await look();
    await eventually(async () => (await query(`select 1 from trigger_states where trigger_id = $1 and armed and beyond_since is null`, [trigger.id])).length === 1);
    expect(await history(trigger.id)).toHaveLength(1);
    await ok(call('DELETE', `/${trigger.id}`));
  });

  it('counts attempts that fail', async () => {
    const failures = await make({ type: 'threshold', config: { metric: 'failed_tasks', operator: '>=', value: 2 } });
    const rate = await make({ type: 'threshold', config: { metric: 'error_rate', operator: '>', value: 0.9 } });
    const agent = await createAgent(plane, { max_concurrent_tasks: 10 }, admin.token);
    for (let n = 0; n < 2; n += 1) await createTask(plane, { agent_id: agent.id, max_retries: 0 }, admin.token);
    const held = await claim(plane, agent, { max: 10 });
    for (const { task, lease } of held) await ok(plane.request('POST', `/api/v1/agent/tasks/${task.id}/fail`, { token: agent.token, body: { fence: lease.fence, error: 'No.', retryable: false } }));
    await settled();
    await look();
    // The planes look by themselves as well, perhaps before the last of them.
    const value = Number((await until(failures.id, 1))[0]?.event.data['value']);
    expect([value >= 2, value <= held.length, (await until(rate.id, 1))[0]?.event.data['value']]).toEqual([true, true, 1]);
    for (const { id } of [failures, rate]) await ok(call('DELETE', `/${id}`));
  });

  it.each(['queue_depth', 'spend_today'])('looks at %s', async (metric) => {
    const trigger = await make({ type: 'threshold', config: { metric, operator: '>=', value: 0 } });
    await look();
    await until(trigger.id, 1);
    await ok(call('DELETE', `/${trigger.id}`));
  });
});

describe('a process that dies', () => {
  it('in the midst of a firing leaves it to another, and it is done once', async () => {
    const trigger = await make({ config: only('dies'), coalesce_seconds: 3600, action: { type: 'create_task', config: { title: unique('dies') } } });
    await alert({ mark: 'dies' });
    const [firing] = await until(trigger.id, 1, 'pending');
    // As one that took it half a minute ago and is gone; and one that took it, slept, and comes back too late.
    await query(`update trigger_firings set due_at = now(), attempts = 1 where id = $1`, [firing?.id]);
    const rounds = [plane, second, plane, second].map(({ app }) => app.get(FiringRunner).round());
    await Promise.all(rounds);
    await until(trigger.id, 1);
    expect(await query(`select 1 from tasks where created_by_id = $1`, [`trigger:${firing?.id ?? ''}`])).toHaveLength(1);
  });

  it('before it could store how far it came leaves events to another, and each counts once', async () => {
    const trigger = await make({ config: only('twice') });
    await alert({ mark: 'twice' });
    await until(trigger.id, 1);
    const [row] = await query<{ tx: string; seq: string; id: string }>(`select tx::text, seq::text, id from events where tenant_id = $1 and data ->> 'mark' = 'twice'`, [tenant.id]);
    const event = { id: row?.id ?? '', tenant_id: tenant.id, name: 'board.memory_added', occurred_at: new Date().toISOString(), data: {}, request_id: null, position: { tx: row?.tx ?? '', seq: row?.seq ?? '' } };
    const again = (on: Plane): Promise<void> => asTenant(() => on.app.get(FiringRecorder).record([{ triggerId: trigger.id, event, chain: [] }]));
    await Promise.all([again(plane), again(second), again(plane)]);
    expect(await history(trigger.id)).toHaveLength(1);
    expect(await asTenant(() => plane.app.get(TriggersRepository).following(tenant.id))).not.toEqual([]);
  });
});

describe('a backtest', () => {
  it('says what would have been done, and does nothing', async () => {
    await alert({ mark: 'past', n: 1 }, 6);
    const trigger = await make({ enabled: false, config: { event: 'board.memory_added', filter: "$event.data.mark = 'past'" }, max_per_hour: 2, action: { type: 'create_task', config: { title: unique('never') } } });
    const { body: said, status } = await call<{ matched: number; would_fire: number; skipped: object; samples: { outcome: string }[]; truncated: boolean }>('POST', `/${trigger.id}/backtest`, { days: 1 }, user.token);
    expect([status, said]).toMatchObject([200, { matched: 6, would_fire: 2, coalesced: 0, skipped: { cooldown: 0, rate_cap: 4, loop: 0 }, failed_filters: 0, truncated: false }]);
    expect(said.samples.map(({ outcome }) => outcome)).toEqual(['fires', 'fires', 'rate_cap', 'rate_cap', 'rate_cap', 'rate_cap']);
    expect(await history(trigger.id)).toEqual([]);
    await ok(call('PUT', `/${trigger.id}`, { type: 'cron', config: { expression: '@daily' }, max_per_hour: 100 }));
    expect((await ok(call<{ would_fire: number }>('POST', `/${trigger.id}/backtest`, { days: 7 }))).would_fire).toBe(7);
    await ok(call('PUT', `/${trigger.id}`, { config: { expression: '*/5 * * * *' } }));
    expect(await ok(call('POST', `/${trigger.id}/backtest`, { days: 7 }))).toMatchObject({ would_fire: 7 * 288, truncated: false });
    await ok(call('PUT', `/${trigger.id}`, { type: 'threshold', config: { metric: 'queue_depth', operator: '>', value: 1 } }));
    expect((await call('POST', `/${trigger.id}/backtest`, { days: 7 })).status).toBe(422);
  });
});
