import { NotificationsCleaner } from '../../src/channels/notifications/notifications.cleaner.js';
import { SHARED_INBOX } from '../../src/channels/notifications/notification.entity.js';
import { COUNT_UNREAD } from '../../src/channels/notifications/notifications.repository.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { TenantDatabase } from '../../src/platform/database/tenant-database.js';
import { type Notice, Notifier } from '../../src/platform/notifications/notifier.port.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createTask, createTenant, createUser, ok, type SignedIn, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane } from '../support/plane.js';
import { closeSockets, follow, publish } from '../support/socket.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

interface View {
  id: string;
  type: string;
  severity: string;
  title: string;
  body: string | null;
  link: string | null;
  metadata: Record<string, unknown>;
  read: boolean;
  read_at: string | null;
  revision: number;
}
interface PageBody {
  items: View[];
  total: number;
  unread_count: number;
  next_cursor: string | null;
}

let admin: SignedIn;
let user: SignedIn;
let tenant: { id: string; slug: string };
beforeAll(async () => {
  await startTwo({ PLAN_LIMITS: JSON.stringify({ tiny: { boards: 2 } }) });
  tenant = await createTenant(plane);
  admin = await createUser(plane, { role: 'admin', tenant: tenant.id });
  user = await createUser(plane, { tenant: tenant.id });
});
afterEach(closeSockets);
afterAll(stopTwo);

const call = <T = PageBody>(method: string, path: string, token: string, body?: unknown, on: Plane = plane): Promise<ApiResponse<T>> => on.request<T>(method, `/api/v1/notifications${path}`, { token, body });
const list = (token: string, query = ''): Promise<PageBody> => ok(call('GET', query, token));
const unread = async (token: string, on: Plane = plane): Promise<number> => (await ok(call<{ unread_count: number }>('GET', '/unread-count', token, undefined, on))).unread_count;
const notify = (notice: Partial<Notice> & Pick<Notice, 'to'>, on: Plane = plane, tenantId = tenant.id): Promise<void> =>
  on.app.get(RequestContext).runAsSystem(tenantId, 'test', () => on.app.get(Notifier).notify({ type: 'test', severity: 'info', title: 'A notice', ...notice }));
const query = <T extends object>(text: string, values: unknown[]): Promise<T[]> => plane.app.get(SystemDatabase).query<T>(text, values);
const person = (role: 'admin' | 'user' | 'client' = 'user'): Promise<SignedIn> => createUser(plane, { role, tenant: tenant.id });
/** The notice of a type about something, once it is there. */
const noticeOf = (token: string, type: string, about: string): Promise<View> => eventually(async () => (await list(token, '?limit=100')).items.find((item) => item.type === type && JSON.stringify(item).includes(about)));

describe('an inbox', () => {
  it('shows what its owner was told, newest first, and how much is unread', async () => {
    const reader = await person();
    for (const title of ['first', 'second', 'third']) await notify({ title, body: 'More.', link: '/tasks', metadata: { n: 1 }, to: { users: [reader.id] } });
    const page = await list(reader.token, '?limit=2');
    expect(page).toMatchObject({ total: 3, unread_count: 3, items: [{ title: 'third', body: 'More.', link: '/tasks', metadata: { n: 1 }, read: false, read_at: null, type: 'test', severity: 'info' }, { title: 'second' }] });
    expect((await list(reader.token, `?limit=2&cursor=${page.next_cursor ?? ''}`)).items.map(({ title }) => title)).toEqual(['first']);
    expect((await list(reader.token, '?limit=2&offset=2')).items.map(({ title }) => title)).toEqual(['first']);
    expect(await unread(reader.token, second)).toBe(3);
    expect(await list(user.token)).toMatchObject({ items: [], unread_count: 0 });
  });

  it('is marked as read: one, several, all', async () => {
    const reader = await person();
    for (let n = 0; n < 5; n += 1) await notify({ to: { users: [reader.id] } });
    const [one, two, three] = (await list(reader.token)).items;
    const read = await plane.request<View>('PUT', `/api/v1/notifications/${one?.id ?? ''}/read`, { token: reader.token });
    expect([read.status, read.body.read, read.body.revision]).toEqual([200, true, 2]);
    expect((await ok(call<View>('PUT', `/${one?.id ?? ''}/read`, reader.token))).revision).toBe(2);
    expect(await ok(call('PATCH', '', reader.token, { ids: [one?.id, two?.id, three?.id] }))).toEqual({ updated: 2, unread_count: 2 });
    expect(await list(reader.token, '?unread_only=true')).toMatchObject({ total: 2, unread_count: 2 });
    expect(await ok(call('PUT', '/read-all', reader.token))).toEqual({ updated: 2, unread_count: 0 });
    await notify({ to: { users: [reader.id] } });
    expect(await ok(call('PATCH', '', reader.token, { all: true }))).toEqual({ updated: 1, unread_count: 0 });
    expect(await ok(call('PATCH', '', reader.token, { all: true }))).toEqual({ updated: 0, unread_count: 0 });
  });

  it.each([[{}], [{ all: false }], [{ ids: [] }], [{ ids: ['x'] }], [{ ids: [SHARED_INBOX, 1] }], [{ all: true, ids: ['0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00'] }], [{ all: null }], [{ all: true, read: true }]])('is not marked by %j', async (body) => {
    expect((await call('PATCH', '', user.token, body)).status).toBe(400);
  });

  it('is nobody else\'s: not another person\'s, not another tenant\'s', async () => {
    const reader = await person();
    await notify({ to: { users: [reader.id] } });
    const [mine] = (await list(reader.token)).items;
    const absent = await call('PUT', '/0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00/read', user.token);
    for (const token of [admin.token, user.token, ADMIN_TOKEN]) {
      const refused = await call('PUT', `/${mine?.id ?? ''}/read`, token);
      expect([refused.status, { ...refused.body, request_id: '' }]).toEqual([404, { ...absent.body, request_id: '' }]);
      await call('PATCH', '', token, { ids: [mine?.id] });
    }
    expect(await unread(reader.token)).toBe(1);
    const client = await person('client');
    await notify({ to: { users: [client.id] } });
    expect((await call('GET', '', client.token)).status).toBe(403);
    expect(await query('select 1 from notifications where user_id = $1', [client.id])).toEqual([]);
  });

  it('of the owner of a key is the key\'s, as far as its scopes go; who has no account sees what administrators are told', async () => {
    const { key } = await ok(plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: admin.token, body: { name: unique('key'), scopes: ['notification:read'] } }));
    await notify({ title: 'for all', to: { roles: ['admin'] } });
    expect((await list(key)).items[0]?.title).toBe('for all');
    expect((await call('PUT', '/read-all', key)).status).toBe(403);
    const shared = await ok(plane.request<PageBody>('GET', `/api/v1/notifications?tenant_id=${tenant.id}`, { token: ADMIN_TOKEN }));
    expect(shared.items[0]?.title).toBe('for all');
    expect((await list(ADMIN_TOKEN)).items.find(({ title }) => title === 'for all')).toBeUndefined();
    expect((await list(user.token)).items.find(({ title }) => title === 'for all')).toBeUndefined();
  });

  it('gets one notice of a key, also of 50 deliveries at once in two processes', async () => {
    const [reader, other] = [await person(), await person()];
    const to = { users: [reader.id, other.id, reader.id] };
    await Promise.all(Array.from({ length: 50 }, (_, n) => notify({ key: 'once', to }, n % 2 ? plane : second)));
    expect([await unread(reader.token), await unread(other.token)]).toEqual([1, 1]);
  });

  it('stays empty for who is disabled, and of what could not be written', async () => {
    const reader = await person();
    const wrong = { to: { users: [reader.id] }, severity: 'none' as Notice['severity'] };
    await expect(notify(wrong)).rejects.toThrow();
    await ok(plane.request('PATCH', `/api/v1/admin/users/${reader.id}`, { token: admin.token, body: { is_active: false } }));
    await notify({ to: { users: [reader.id] } });
    expect(await query('select 1 from notifications where user_id = $1', [reader.id])).toEqual([]);
  });

  it('holds the newest thousand, for as long as the settings say', async () => {
    const reader = await person();
    await query(`insert into notifications (tenant_id, inbox, id, user_id, type, severity, title, created_at)
      select $1, $2::uuid, ('0190f0a2-5c1e-7cc3-98a4-' || lpad(to_hex(n), 12, '0'))::uuid, $2::uuid, 'test', 'info', 'old', now() - make_interval(days => case when n <= 500 then 91 else 0 end) from generate_series(1, 1500) n`, [tenant.id, reader.id]);
    await notify({ to: { users: [reader.id] } });
    await eventually(async () => (await list(reader.token)).total === 1_000);
    await query(`update notifications set created_at = now() - interval '91 days' where user_id = $1 and title = 'old'`, [reader.id]);
    await plane.app.get(NotificationsCleaner).clean(new AbortController().signal);
    expect((await list(reader.token)).total).toBe(1);
  });

  it('is counted by the index of what is unread, however many notices there are', async () => {
    await withAdmin(async (database) => {
      await database.query('set session_replication_role = replica');
      await database.query(`insert into notifications (tenant_id, inbox, id, user_id, type, severity, title, read_at)
        select $1::uuid, i, gen_random_uuid(), i, 'test', 'info', 'one of many', case when n % 2 = 0 then now() end
        from (select ('00000000-0000-7000-9000-' || lpad(to_hex(u), 12, '0'))::uuid as i from generate_series(1, 100) u) inboxes, generate_series(1, 1000) n`, [tenant.id]);
      await database.query('set session_replication_role = default');
      await database.query('analyze notifications');
    }, plane.database.name);
    const plan = await plane.app.get(TenantDatabase).statement<{ 'QUERY PLAN': string }>(tenant.id, `explain ${COUNT_UNREAD}`, [tenant.id, user.id]);
    const steps = plan.map((line) => line['QUERY PLAN']).join('\n');
    expect(steps).toContain('notifications_unread');
    expect(steps).not.toContain('Seq Scan');
  });
});

describe('on /ws', () => {
  it('a notice reaches its user alone, from whatever process, and so does the count of what is unread', async () => {
    const [reader, other] = [await person(), await person('admin')];
    const mine = await follow(second, reader.token, 'notification', 'notification.unread');
    const others = await follow(plane, other.token, '*');
    await notify({ title: 'Look', link: '/x', to: { users: [reader.id] } });
    await notify({ title: 'Look again', to: { users: [reader.id] } });
    await eventually(() => mine.events.some(({ event, data }) => event === 'notification.unread' && data?.['unread_count'] === 2));
    expect(mine.events.filter(({ event }) => event === 'notification').map(({ data }) => data)).toMatchObject([{ user_id: reader.id, title: 'Look', link: '/x', severity: 'info', type: 'test' }, { title: 'Look again' }]);
    await ok(call('PUT', '/read-all', reader.token));
    await eventually(() => mine.events.at(-1)?.data?.['unread_count'] === 0);
    await publish(plane, 'system.alert', { after: true }, 1, tenant.id);
    await eventually(() => others.events.some(({ event }) => event === 'system.alert'));
    expect(others.events.filter(({ data }) => JSON.stringify(data).includes(reader.id) || JSON.stringify(data).includes('Look'))).toEqual([]);
  });
});

describe('the plane tells administrators', () => {
  const body = (token: string, method: string, path: string, fields: unknown = {}): Promise<{ id: string }> => ok(plane.request<{ id: string }>(method, `/api/v1${path}`, { token, body: fields }));

  it('of an agent that fails, and of one that is killed, once each', async () => {
    const agent = await createAgent(plane, {}, admin.token);
    await ok(plane.request('POST', '/api/v1/agent/heartbeat', { token: agent.token, body: { status: 'error' } }));
    await ok(plane.request('POST', '/api/v1/agent/heartbeat', { token: agent.token, body: { status: 'error' } }));
    expect(await noticeOf(admin.token, 'agent_error', agent.id)).toMatchObject({ severity: 'high', link: `/agents/${agent.id}`, metadata: { agent_id: agent.id } });
    await body(admin.token, 'POST', `/agents/${agent.id}/kill`);
    await body(admin.token, 'POST', `/agents/${agent.id}/kill`);
    expect(await noticeOf(admin.token, 'agent_killed', agent.id)).toMatchObject({ severity: 'high' });
    const about = (await list(admin.token, '?limit=100')).items.filter((item) => item.metadata['agent_id'] === agent.id);
    expect(about.map(({ type }) => type).toSorted()).toEqual(['agent_error', 'agent_killed']);
    expect((await list(user.token)).items.filter(({ type }) => type.startsWith('agent'))).toEqual([]);
  });

  it('of a task that failed for good, and of a storm of them in few words', async () => {
    const agent = await createAgent(plane, { max_concurrent_tasks: 100 }, admin.token);
    const tasks = await Promise.all(Array.from({ length: 25 }, () => createTask(plane, { agent_id: agent.id, max_retries: 0 }, admin.token)));
    const held = await claim(plane, agent, { max: 100 });
    for (const { task, lease } of held) await ok(plane.request('POST', `/api/v1/agent/tasks/${task.id}/fail`, { token: agent.token, body: { fence: lease.fence, error: 'No way.', retryable: false } }));
    expect(held).toHaveLength(tasks.length);
    await noticeOf(admin.token, 'dead_letter', 'And more');
    const told = (await list(admin.token, '?limit=100')).items.filter(({ type }) => type === 'dead_letter');
    expect(told).toHaveLength(21);
    expect(told.at(-1)).toMatchObject({ body: 'No way.', severity: 'warning' });
  });

  it('of an approval that waits, until it is decided', async () => {
    const { id } = await body(user.token, 'POST', '/approvals', { title: 'Restart the web server', risk: 'high', action: { kind: 'ssh.execute', arguments: {} } });
    expect(await noticeOf(admin.token, 'approval', id)).toMatchObject({ severity: 'high', title: 'Approval wanted: Restart the web server', link: `/approvals/${id}`, read: false });
    await body(admin.token, 'POST', `/approvals/${id}/approve`);
    await eventually(async () => (await noticeOf(admin.token, 'approval', id)).read);
  });

  it('of an approval those who are named, and nobody else', async () => {
    const [approver, boss] = [await person(), await person('admin')];
    const { id } = await body(user.token, 'POST', '/approvals', { title: unique('For one'), action: { kind: 'k', arguments: {} }, approvers: { users: [approver.id] } });
    await noticeOf(approver.token, 'approval', id);
    expect((await list(boss.token, '?limit=100')).items.filter((item) => item.metadata['approval_id'] === id)).toEqual([]);
  });

  it('nothing of an agent whose content was purged', async () => {
    const agent = await createAgent(plane, { name: unique('purged') }, admin.token);
    await body(admin.token, 'POST', `/agents/${agent.id}/kill`);
    const { id, title } = await noticeOf(admin.token, 'agent_killed', agent.id);
    expect(title).toContain(String(agent['name']));
    const { id: purge } = await body(admin.token, 'POST', '/compliance/purge', { entity_type: 'agent', entity_id: agent.id });
    await eventually(async () => (await ok(plane.request<{ status: string }>('GET', `/api/v1/compliance/purges/${purge}`, { token: admin.token }))).status === 'done');
    expect((await list(admin.token, '?limit=100')).items.find((item) => item.id === id)).toMatchObject({ title: '[erased]', body: null, metadata: {} });
  });

  it('of a circuit breaker that opened', async () => {
    const name = unique('breaker');
    await body(admin.token, 'POST', '/circuit-breakers', { name, target: 'host:api.example.com' });
    for (const verb of ['force-open', 'reset', 'force-open']) await body(admin.token, 'POST', `/circuit-breakers/${name}/${verb}`);
    expect(await noticeOf(admin.token, 'circuit_breaker', name)).toMatchObject({ severity: 'high', metadata: { target: 'host:api.example.com', forced: true } });
  });

  it('of a limit of the plan that is used up, before the next one is refused', async () => {
    const limited = await createTenant(plane);
    const owner = await createUser(plane, { role: 'admin', tenant: limited.id });
    await ok(plane.request('PATCH', `/api/v1/tenants/${limited.id}`, { token: ADMIN_TOKEN, body: { plan: 'tiny' } }));
    for (const name of ['one', 'two']) await body(owner.token, 'POST', '/boards', { name });
    expect(await noticeOf(owner.token, 'plan_limit', 'boards')).toMatchObject({ severity: 'warning', metadata: { limit_name: 'boards', limit: 2 } });
    expect((await plane.request('POST', '/api/v1/boards', { token: owner.token, body: { name: 'three' } })).status).toBe(409);
  });
});
