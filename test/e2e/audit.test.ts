import { createHash } from 'node:crypto';
import { TransactionHost } from '@nestjs-cls/transactional';
import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { AuditPort } from '../../src/platform/auth/audit-port.js';
import { Sql } from '../../src/platform/database/sql.js';
import { auditRows } from '../support/audit-rows.js';
import { withAdmin } from '../support/databases.js';
import { createAgent, createTask, createTenant, createUser, login, ok, PASSWORD, type SignedIn, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

interface Row {
  id: string;
  action: string;
  outcome: string;
  actor_kind: string;
  actor_id: string;
  actor_label: string;
  request_id: string;
  ip: string;
  user_agent: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  [field: string]: unknown;
}

interface List {
  items: Row[];
  total: number;
  next_cursor: string | null;
}

let plane: Plane;
let admin: SignedIn;
beforeAll(async () => {
  plane = await startPlane();
  admin = await createUser(plane, { role: 'admin' });
});
afterAll(() => plane.stop());

const search = (query: Record<string, string>, token: string = admin.token): Promise<List> =>
  ok(plane.request<List>('GET', `/api/v1/admin/audit?${new URLSearchParams(query).toString()}`, { token }));

describe('the audit log', () => {
  it('says who, what, from where, in which request, before and after', async () => {
    const task = await createTask(plane, { title: 'Old' }, admin.token);
    const requestId = unique('request');
    await ok(plane.request('PATCH', `/api/v1/tasks/${task.id}`, { token: admin.token, body: { title: 'New' }, headers: { 'x-request-id': requestId, 'user-agent': 'audit-test/1' } }));
    const { items, total } = await search({ request_id: requestId });
    expect(total).toBe(1);
    expect(items[0]).toMatchObject({ outcome: 'done', actor_kind: 'user', actor_id: admin.id, actor_label: admin.email, resource_type: 'task', resource_id: task.id, user_agent: 'audit-test/1', before: { title: 'Old' }, after: { title: 'New' } });
    expect(items[0]?.ip).toMatch(/127\.0\.0\.1|::1/);
    expect(items[0]?.['tenant_id']).toBeUndefined();
  });

  it('has the size and the hash of what is too large for a row', async () => {
    const payload = { pages: Array.from({ length: 2_000 }, (_, page) => `page ${page} of a payload that is much larger than a row`) };
    const sha256 = createHash('sha256').update(JSON.stringify(payload)).digest('hex');
    const task = await createTask(plane, { title: 'Large', payload }, admin.token);
    const { items } = await search({ action: 'task.create', resource_id: task.id });
    expect(items[0]?.after).toMatchObject({ title: 'Large', payload: { cut: { bytes: Buffer.byteLength(JSON.stringify(payload)), sha256 } } });
  });

  it('has exactly one row for each change by a person or a key', async () => {
    const key = await ok(plane.request<{ id: string; key: string }>('POST', '/api/v1/security/api-keys', { token: admin.token, body: { name: 'k', scopes: ['*'] } }));
    const other = await createUser(plane, { role: 'admin' });
    for (const [token, kind, actorId] of [[admin.token, 'user', admin.id], [key.key, 'api_key', key.id]] as const) {
      const changes: [string, string, unknown?][] = [];
      const call = async (method: string, path: string, body?: unknown, who: string = token): Promise<Record<string, unknown>> => {
        const requestId = unique('change');
        const answer = await ok(plane.request(method, path, { token: who, body, headers: { 'x-request-id': requestId } }));
        changes.push([`${method} ${path}`, requestId]);
        return answer;
      };
      const id = (body: Record<string, unknown>): string => String(body['id']);
      const task = id(await call('POST', '/api/v1/tasks', { title: 'x' }));
      await call('PATCH', `/api/v1/tasks/${task}`, { title: 'y' });
      await call('POST', `/api/v1/tasks/${task}/cancel`, {});
      const agent = id(await call('POST', '/api/v1/agents', { name: unique('agent') }));
      await call('PATCH', `/api/v1/agents/${agent}`, { description: 'd' });
      await call('POST', `/api/v1/agents/${agent}/rotate-token`, {});
      await call('DELETE', `/api/v1/agents/${agent}`);
      await call('POST', '/api/v1/boards', { name: unique('board') });
      await call('POST', '/api/v1/approvals', { title: 'x', action: { kind: 'test', arguments: {} } });
      for (const [what, requestId] of changes) {
        const { items } = await search({ request_id: requestId });
        expect([what, items.map((row) => [row.outcome, row.actor_kind, row.actor_id])]).toEqual([what, [['done', kind, actorId]]]);
      }
    }
    const approval = await ok(plane.request<{ id: string }>('POST', '/api/v1/approvals', { token: admin.token, body: { title: 'x', action: { kind: 'test', arguments: {} } } }));
    await ok(plane.request('POST', `/api/v1/approvals/${approval.id}/approve`, { token: other.token, headers: { 'x-request-id': 'the-decision' } }));
    expect((await search({ request_id: 'the-decision' })).items.map(({ action }) => action)).toEqual(['approval.approve']);
  });

  it('has one row for a denial and one for a sign-in, good or bad', async () => {
    const person = await createUser(plane, { role: 'user' });
    const denied = await plane.request('GET', '/api/v1/admin/users', { token: person.token, headers: { 'x-request-id': 'denied-1' } });
    expect(denied.status).toBe(403);
    expect((await search({ request_id: 'denied-1' })).items).toMatchObject([{ action: 'access.denied', outcome: 'denied', actor_id: person.id, detail: { operation: 'listUsers' } }]);
    // Denials count against the limit like everything else: none writes rows without end.
    const again = await plane.request('GET', '/api/v1/admin/users', { token: person.token });
    expect(Number(again.headers.get('ratelimit-remaining'))).toBe(Number(denied.headers.get('ratelimit-remaining')) - 1);
    const before = (await search({ actor: person.email, outcome: 'done', action: 'auth.*' })).total;
    await login(plane, person.email);
    expect((await search({ actor: person.email, outcome: 'done', action: 'auth.*' })).total).toBe(before + 1);
    const failures = (await search({ outcome: 'failed' })).total;
    await login(plane, person.email, 'a wrong password');
    expect((await search({ outcome: 'failed' })).total).toBe(failures + 1);
  });

  it('has one row for a denial by the rules of a domain, and for a tenant that is not the caller\'s to name', async () => {
    const tenant = await createTenant(plane);
    const boss = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    const denied = async (status: number, method: string, path: string, body?: unknown): Promise<unknown> => {
      const requestId = unique('denied');
      expect((await plane.request(method, path, { token: boss.token, body, headers: { 'x-request-id': requestId } })).status).toBe(status);
      const { items } = await search({ request_id: requestId }, boss.token);
      return items.map(({ action, outcome, actor_id, detail }) => ({ action, outcome, actor_id, detail }));
    };
    const row = (detail: object): object => ({ action: 'access.denied', outcome: 'denied', actor_id: boss.id, detail });
    expect(await denied(403, 'POST', '/api/v1/tenants', { name: 'x', slug: unique('x') })).toEqual([row({ operation: 'createTenant', code: 'forbidden' })]);
    expect(await denied(403, 'PATCH', `/api/v1/tenants/${tenant.id}`, { name: 'x' })).toEqual([row({ operation: 'updateTenant', code: 'forbidden' })]);
    expect(await denied(403, 'POST', '/api/v1/security/api-keys', { name: 'x', scopes: ['agent:work'] })).toMatchObject([row({ operation: 'createApiKey', code: 'scope_exceeded' })]);
    for (const named of ['default', 'absent']) {
      expect(await denied(404, 'GET', `/api/v1/agents?tenant_id=${named}`)).toEqual([row({ operation: 'listAgents', field: 'tenant_id' })]);
    }
  });

  it('has one row for a denial of good credentials that may do nothing now', async () => {
    const tenant = await createTenant(plane);
    const boss = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    const agent = await createAgent(plane, {}, boss.token);
    await ok(plane.request('POST', `/api/v1/agents/${agent.id}/kill`, { token: boss.token, body: {} }));
    expect((await plane.request('POST', '/api/v1/agent/heartbeat', { token: agent.token, body: {}, headers: { 'x-request-id': 'killed-1' } })).status).toBe(403);
    expect((await search({ request_id: 'killed-1' }, boss.token)).items).toMatchObject([{ outcome: 'denied', actor_kind: 'agent', actor_id: agent.id, detail: { code: 'agent_killed' } }]);
    const key = await ok(plane.request<{ id: string; key: string }>('POST', '/api/v1/security/api-keys', { token: boss.token, body: { name: 'k', scopes: ['*'] } }));
    await ok(plane.request('POST', `/api/v1/tenants/${tenant.id}/suspend`, { token: ADMIN_TOKEN, body: {} }));
    for (const [token, kind] of [[boss.token, 'user'], [key.key, 'api_key']] as const) {
      const requestId = unique('suspended');
      expect((await plane.request('GET', '/api/v1/agents', { token, headers: { 'x-request-id': requestId } })).status).toBe(403);
      expect((await search({ request_id: requestId, tenant_id: tenant.id }, ADMIN_TOKEN)).items).toMatchObject([{ outcome: 'denied', actor_kind: kind, detail: { operation: 'listAgents', code: 'tenant_suspended' } }]);
    }
  });

  it('holds no secret, whatever a domain hands in', async () => {
    const canary = 'canary-3f9c1a7e';
    const context = plane.app.get(RequestContext);
    await context.runAsSystem(OPERATOR_TENANT_ID, 'test', () =>
      plane.app.get(TransactionHost).withTransaction(() =>
        plane.app.get(AuditPort).record({ action: 'test.secret', before: { password: canary, nested: [{ api_key: canary }] }, after: { token_hash: Buffer.from(canary) }, detail: { note: `Bearer ${canary}${canary}` } }),
      ),
    );
    const { items } = await search({ action: 'test.secret' });
    expect(items).toHaveLength(1);
    const person = await createUser(plane);
    await ok(plane.request('POST', '/api/v1/auth/change-password', { token: person.token, body: { current_password: PASSWORD, new_password: `${canary}-and-more` } }));
    const everything = JSON.stringify(await auditRows(plane, 'true'));
    for (const secret of [canary, PASSWORD, person.token, person.refreshToken, ADMIN_TOKEN, Buffer.from(canary).toString('hex'), Buffer.from(canary).toString('base64').slice(0, -2)]) expect(everything.includes(secret)).toBe(false);
  });

  it('is searched by action, actor, resource, outcome and time, and paged', async () => {
    const task = await createTask(plane, {}, admin.token);
    await ok(plane.request('POST', `/api/v1/tasks/${task.id}/cancel`, { token: admin.token, body: {} }));
    const actions = async (query: Record<string, string>): Promise<string[]> => (await search({ resource_id: task.id, ...query })).items.map(({ action }) => action);
    const all = await actions({});
    expect(all).toHaveLength(2);
    expect(all.every((action) => action.startsWith('task.'))).toBe(true);
    expect(await actions({ action: all[0] as string })).toEqual([all[0]]);
    expect(await actions({ action: 'task.*' })).toEqual(all);
    expect(await actions({ action: '*' })).toEqual(all);
    expect(await actions({ action: 'task' })).toEqual([]);
    expect(await actions({ action: 'tas_.*' })).toEqual([]);
    expect(await actions({ actor: admin.id })).toEqual(all);
    expect(await actions({ actor: admin.email })).toEqual(all);
    expect(await actions({ actor: 'nobody' })).toEqual([]);
    expect(await actions({ resource_type: 'agent' })).toEqual([]);
    expect(await actions({ outcome: 'denied' })).toEqual([]);
    expect(await actions({ from: new Date(Date.now() - 60_000).toISOString(), to: new Date(Date.now() + 60_000).toISOString() })).toEqual(all);
    expect(await actions({ from: '2099-01-01' })).toEqual([]);
    expect(await actions({ to: '2020-01-01T00:00:00Z' })).toEqual([]);
    const first = await search({ resource_id: task.id, limit: '1' });
    const second = await search({ resource_id: task.id, limit: '1', cursor: first.next_cursor as string });
    expect([...first.items, ...second.items].map(({ action }) => action)).toEqual(all);
    expect([first.total, second.next_cursor]).toEqual([2, null]);
    expect((await search({ resource_id: task.id, limit: '1', offset: '1' })).items.map(({ action }) => action)).toEqual([all[1]]);
  });

  it('answers under its second names, and names wrong fields', async () => {
    for (const path of ['/api/v1/compliance/audit-log', '/api/compliance/audit-log', '/api/admin/audit']) {
      expect((await plane.request(('GET'), `${path}?limit=1`, { token: admin.token })).status).toBe(200);
    }
    for (const query of ['outcome=maybe', 'from=yesterday', 'from=2026-02-31T00:00:00Z', 'action=a*b', `actor=${'x'.repeat(400)}`, 'limit=1000', 'nonsense=1']) {
      const answer = await plane.request<{ errors: { field: string }[] }>('GET', `/api/v1/admin/audit?${query}`, { token: admin.token });
      expect([query, answer.status, answer.body.errors[0]?.field]).toEqual([query, 400, query.split('=')[0]]);
    }
  });

  it('is for administrators of its tenant alone', async () => {
    const tenant = await createTenant(plane);
    const theirs = await createUser(plane, { role: 'admin', tenant: tenant.id });
    const task = await createTask(plane, {}, theirs.token);
    expect((await search({ resource_id: task.id }, theirs.token)).total).toBe(1);
    expect((await search({ resource_id: task.id })).total).toBe(0);
    expect((await search({ resource_id: task.id, tenant_id: tenant.id })).total).toBe(1);
    const ours = await search({}, theirs.token);
    expect(ours.items.some(({ actor_id }) => actor_id === admin.id)).toBe(false);
    for (const role of ['user', 'client'] as const) expect((await plane.request('GET', '/api/v1/admin/audit', { token: (await createUser(plane, { role })).token })).status).toBe(403);
    expect((await plane.request('GET', '/api/v1/admin/audit')).status).toBe(401);
    expect((await plane.request('GET', `/api/v1/admin/audit?tenant_id=${OPERATOR_TENANT_ID}`, { token: theirs.token })).status).toBe(404);
  });

  it.each(['wheelhouse_app', 'wheelhouse_system'])('only grows: %s can neither change nor remove a row', async (role) => {
    await createTask(plane, {}, admin.token);
    await withAdmin(async (client) => {
      await client.query(`set role ${role}`);
      await client.query(`select set_config('app.tenant_id', $1, false)`, [OPERATOR_TENANT_ID]);
      expect((await client.query('select 1 from audit_log limit 1')).rowCount).toBe(1);
      for (const statement of [`update audit_log set action = 'x'`, 'delete from audit_log', 'truncate audit_log', 'drop table audit_log', 'alter table audit_log disable trigger insert_only', 'alter table audit_log disable row level security', 'select 1 from audit_log for update']) {
        await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
      }
    }, plane.database.name);
  });

  it('takes the change along when its row cannot be written', async () => {
    const count = async (): Promise<unknown> =>
      plane.app.get(RequestContext).runAsSystem(OPERATOR_TENANT_ID, 'test', () => plane.app.get(TransactionHost).withTransaction(() => plane.app.get(Sql).rows('select (select count(*) from tasks) as tasks, (select count(*) from agents) as agents, (select count(*) from approvals) as approvals, (select count(*) from events) as events')));
    const before = await count();
    await withAdmin((client) => client.query('revoke insert on audit_log from wheelhouse_app'), plane.database.name);
    try {
      for (const [path, body] of [['tasks', { title: 'x' }], ['agents', { name: 'x' }], ['approvals', { title: 'x', action: { kind: 'x', arguments: {} } }]] as const) {
        const answer = await plane.request('POST', `/api/v1/${path}`, { token: admin.token, body });
        expect([answer.status, answer.body['code']]).toEqual([500, 'internal']);
      }
    } finally {
      await withAdmin((client) => client.query('grant insert on audit_log to wheelhouse_app'), plane.database.name);
    }
    expect(await count()).toEqual(before);
  });
});
