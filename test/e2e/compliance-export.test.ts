import { parse } from 'node:querystring';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';
import { auditRows } from '../support/audit-rows.js';
import { withAdmin } from '../support/databases.js';
import { createTask, createTenant, createUser, ok, type SignedIn, someAddress } from '../support/factories.js';

const PATH = '/api/v1/compliance/export';

/** Records of a CSV (RFC 4180), read by another hand than the one that wrote it. */
function recordsOf(text: string): Record<string, string>[] {
  const lines = [...text.matchAll(/((?:"(?:[^"]|"")*"|[^",\r\n]*)(?:,(?:"(?:[^"]|"")*"|[^",\r\n]*))*)\r\n/g)].map(([, line = '']) =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? ''),
  );
  const [header = [], ...records] = lines;
  for (const record of records) expect(record).toHaveLength(header.length);
  return records.map((record) => Object.fromEntries(header.map((name, index) => [name, record[index] ?? ''])));
}

describe('the export for compliance', () => {
  let plane: Plane;
  let admin: SignedIn;
  beforeAll(async () => {
    plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
    admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).slug });
  });
  afterAll(() => plane.stop());

  const exported = async (query: string, token = admin.token): Promise<Record<string, string>[]> => {
    const answer = await plane.request<string>('GET', `${PATH}?${query}`, { token, headers: { 'x-forwarded-for': someAddress() } });
    expect(answer.status).toBe(200);
    return recordsOf(answer.body);
  };

  it('is a file of the audit log, with its own row in it', async () => {
    const task = await createTask(plane, { title: '=HYPERLINK("http://x","y"), or\nnot' }, admin.token);
    const answer = await plane.request<string>('GET', `${PATH}?type=audit_log&format=csv`, { token: admin.token, headers: { 'x-request-id': 'export-1' } });
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(['content-type', 'content-disposition', 'x-content-type-options'].map((name) => [name, answer.headers.get(name)]))).toEqual({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="audit_log.csv"',
      'x-content-type-options': 'nosniff',
    });
    const records = recordsOf(answer.body);
    const made = records.find(({ action, resource_id }) => action === 'task.create' && resource_id === task.id);
    expect(made).toMatchObject({ actor_kind: 'user', actor_id: admin.id, actor_label: admin.email, outcome: 'done', resource_type: 'task', before: '', erased: 'false' });
    expect(JSON.parse(made?.['after'] ?? '')).toMatchObject({ title: '=HYPERLINK("http://x","y"), or\nnot' });
    expect(records.at(-1)).toMatchObject({ action: 'compliance.export', request_id: 'export-1' });
    const times = records.map(({ occurred_at }) => occurred_at);
    expect(times).toEqual([...times].sort());
    expect(records.map(({ id }) => id).sort()).toEqual((await auditRows(plane, 'tenant_id = $1', [admin.tenantId])).map(({ id }) => id).sort());
  });

  it('neutralises what a spreadsheet would run', async () => {
    const agent = '=cmd|calc';
    await ok(plane.request('GET', '/api/v1/agents', { token: admin.token, headers: { 'user-agent': agent, 'x-request-id': '@SUM(1)' } }));
    await plane.request('POST', '/api/v1/tenants', { token: admin.token, body: { name: 'x', slug: 'xxx' }, headers: { 'user-agent': agent, 'x-request-id': '@SUM(1)' } });
    const denied = (await exported('type=audit_log')).filter(({ action }) => action === 'access.denied');
    expect(denied).toMatchObject([{ user_agent: `'${agent}`, request_id: `'@SUM(1)` }]);
  });

  it('is a file of the facts', async () => {
    const task = await createTask(plane, {}, admin.token);
    const records = await exported('type=events');
    expect(records.length).toBeGreaterThan(0);
    const about = records.find(({ data }) => data?.includes(task.id));
    expect(about).toMatchObject({ name: expect.stringMatching(/^task\./) as unknown, position: expect.stringMatching(/^\d+-\d+$/) as unknown });
    expect(new Set(records.map(({ id }) => id)).size).toBe(records.length);
  });

  it('is of the time that is asked for', async () => {
    await createTask(plane, {}, admin.token);
    const [before, after] = [new Date(Date.now() - 3_600_000).toISOString(), new Date(Date.now() + 3_600_000).toISOString()];
    for (const type of ['audit_log', 'events']) {
      const all = (await exported(`type=${type}`)).length;
      expect((await exported(`type=${type}&from=${before}&to=${after}`)).length).toBeGreaterThanOrEqual(all);
      expect(await exported(`type=${type}&from=${after}`)).toEqual([]);
      expect(await exported(`type=${type}&to=2020-01-01`)).toEqual([]);
    }
  });

  it("holds no other tenant's rows; the operator names whose it wants", async () => {
    const other = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).slug });
    const theirs = await createTask(plane, { title: 'theirs' }, other.token);
    const mine = await createTask(plane, { title: 'mine' }, admin.token);
    for (const type of ['audit_log', 'events']) {
      const text = JSON.stringify(await exported(`type=${type}`));
      expect([text.includes(mine.id), text.includes(theirs.id), text.includes(other.tenantId)]).toEqual([true, false, false]);
      const ofOther = JSON.stringify(await exported(`type=${type}&tenant_id=${other.tenantId}`, ADMIN_TOKEN));
      expect([ofOther.includes(mine.id), ofOther.includes(theirs.id)]).toEqual([false, true]);
      expect((await plane.request('GET', `${PATH}?type=${type}&tenant_id=${other.tenantId}`, { token: admin.token })).status).toBe(404);
    }
  });

  it('is for administrators, and for keys that were given it', async () => {
    for (const role of ['user', 'client'] as const) {
      expect((await plane.request('GET', `${PATH}?type=events`, { token: (await createUser(plane, { role })).token })).status).toBe(403);
    }
    expect((await plane.request('GET', `${PATH}?type=events`)).status).toBe(401);
    for (const [scope, status] of [['audit:read', 403], ['audit:export', 200]] as const) {
      const { key } = await ok(plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: admin.token, body: { name: 'k', scopes: [scope] } }));
      expect((await plane.request('GET', `${PATH}?type=events`, { token: key })).status).toBe(status);
    }
  });

  it.each(['', 'type=secrets', 'type=events&format=xlsx', 'type=events&from=yesterday', 'type=events&to=2026-02-31', 'type=events&nonsense=1', 'type=events&type=audit_log'])('refuses ?%s', async (query) => {
    const answer = await plane.request<{ errors: { field: string }[] }>('GET', `${PATH}?${query}`, { token: admin.token });
    expect([answer.status, answer.body.errors[0]?.field]).toEqual([400, query === '' ? 'type' : Object.keys(parse(query)).at(-1)]);
  });

  it('leaves no byte when its row cannot be written, and answers HEAD without a body', async () => {
    await withAdmin((client) => client.query('revoke insert on audit_log from wheelhouse_app'), plane.database.name);
    try {
      const answer = await plane.request('GET', `${PATH}?type=events`, { token: admin.token });
      expect([answer.status, answer.body['code'], answer.headers.get('content-disposition')]).toEqual([500, 'internal', null]);
    } finally {
      await withAdmin((client) => client.query('grant insert on audit_log to wheelhouse_app'), plane.database.name);
    }
    const head = await fetch(`${plane.url}${PATH}?type=events`, { method: 'HEAD', headers: { authorization: `Bearer ${admin.token}` } });
    expect([head.status, head.headers.get('content-disposition'), await head.text()]).toEqual([200, 'attachment; filename="events.csv"', '']);
  });
});
