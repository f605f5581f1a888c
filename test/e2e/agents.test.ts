import { auditRows } from '../support/audit-rows.js';
import { withAdmin } from '../support/databases.js';
import { createAgent, createTenant, createUser, ok, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

type Body = Record<string, unknown>;
const ABSENT = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00';

describe('agents', () => {
  let plane: Plane;
  const call = <T = Body>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiResponse<T>> =>
    plane.request<T>(method, `/api/v1/agents${path}`, { token: ADMIN_TOKEN, headers, ...(body === undefined ? {} : { body }) });

  beforeAll(async () => {
    plane = await startPlane();
  });
  afterAll(() => plane.stop());

  it('are made with every field of the union, and read as they were made', async () => {
    const fields = {
      name: 'Code reviewer',
      slug: 'code-reviewer',
      description: 'Reviews pull requests',
      role: 'analyst',
      llm_provider: 'anthropic',
      llm_model: 'claude-sonnet-4-6',
      system_prompt: 'You review code.',
      enabled_tools: ['git', 'shell'],
      temperature: 0.2,
      max_tokens: 4096,
      worker_id: 'worker-1',
      metadata: { team: { name: 'platform' } },
      autonomy_level: 'autonomous',
      max_concurrent_tasks: 3,
      daily_budget_usd: 0.000001,
    };
    const made = await call('POST', '', fields);
    expect(made.status).toBe(201);
    const { token, ...agent } = made.body;
    expect(token).toMatch(/^wha_[0-9A-Za-z]{39}$/);
    expect(agent).toMatchObject({ ...fields, status: 'offline', control_state: 'running', is_active: true, revision: 1 });
    expect(made.headers.get('etag')).toBe(`"${String(agent['id'])}.1"`);
    const read = await call('GET', `/${String(agent['id'])}`);
    expect(read.body).toEqual(agent);
    expect((await call('GET', `/${String(agent['id'])}`, undefined, { 'if-none-match': read.headers.get('etag') ?? '' })).status).toBe(304);
  });

  it('need no more than a name', async () => {
    const made = await call('POST', '', { name: '  Émile, the Helper! ' });
    expect(made.body).toMatchObject({ name: 'Émile, the Helper!', slug: 'emile-the-helper', role: 'specialist', autonomy_level: 'supervised', max_concurrent_tasks: 10, daily_budget_usd: null, enabled_tools: [] });
  });

  it('answer under the second name, and without a version', async () => {
    const made = await plane.request('POST', '/api/admin/agents', { token: ADMIN_TOKEN, body: { name: unique('registered'), metadata: { a: 1 }, tenant_id: 'default' } });
    expect(made.status).toBe(201);
    const list = await plane.request<{ items: Body[] }>('GET', '/api/admin/agents', { token: ADMIN_TOKEN });
    expect(list.body.items[0]).toMatchObject({ id: made.body['id'] });
  });

  it('split provider/model in one string', async () => {
    const made = await call('POST', '', { name: unique('split'), llm_model: 'openai/gpt-5' });
    expect(made.body).toMatchObject({ llm_provider: 'openai', llm_model: 'gpt-5' });
    const changed = await call('PATCH', `/${String(made.body['id'])}`, { llm_model: 'anthropic/claude' });
    expect(changed.body).toMatchObject({ llm_provider: 'anthropic', llm_model: 'claude' });
  });

  it.each([
    [{}, 'name'],
    [{ name: ' ' }, 'name'],
    [{ name: 'x'.repeat(201) }, 'name'],
    [{ name: 'x', slug: 'Not A Slug' }, 'slug'],
    [{ name: 'x', slug: null }, 'slug'],
    [{ name: 'x', role: 'a b' }, 'role'],
    [{ name: 'x', temperature: 2.1 }, 'temperature'],
    [{ name: 'x', temperature: '1' }, 'temperature'],
    [{ name: 'x', max_tokens: 0 }, 'max_tokens'],
    [{ name: 'x', max_concurrent_tasks: 1.5 }, 'max_concurrent_tasks'],
    [{ name: 'x', daily_budget_usd: -1 }, 'daily_budget_usd'],
    [{ name: 'x', daily_budget_usd: 0.0000001 }, 'daily_budget_usd'],
    [{ name: 'x', autonomy_level: 'total' }, 'autonomy_level'],
    [{ name: 'x', enabled_tools: ['a', 'a'] }, 'enabled_tools'],
    [{ name: 'x', enabled_tools: [''] }, 'enabled_tools'],
    [{ name: 'x', enabled_tools: 'git' }, 'enabled_tools'],
    [{ name: 'x', metadata: [] }, 'metadata'],
    [{ name: 'x', metadata: { text: 'x'.repeat(16_385) } }, 'metadata'],
    [{ name: 'x', is_active: 'yes' }, 'is_active'],
    [{ name: 'x', nickname: 'y' }, 'nickname'],
  ])('refuse %j, naming the field', async (body, field) => {
    const answer = await call<{ errors: { field: string }[] }>('POST', '', body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0]?.field).toBe(field);
  });

  it('change by none of the fields that are not theirs to write', async () => {
    const agent = await createAgent(plane);
    for (const field of ['id', 'status', 'control_state', 'control_reason', 'revision', 'created_at', 'updated_at', 'deleted_at', 'token', 'status_changed_at']) {
      for (const answer of [await call('POST', '', { name: 'x', [field]: 'busy' }), await call('PATCH', `/${agent.id}`, { [field]: 'busy' })]) {
        expect([field, answer.status, (answer.body['errors'] as { code: string }[])[0]?.code]).toEqual([field, 400, 'unknown_field']);
      }
    }
    expect((await call('GET', `/${agent.id}`)).body).toMatchObject({ status: 'offline', revision: 1 });
  });

  it('number the slugs they derive, and refuse a given one that is taken', async () => {
    const name = unique('Twin');
    const slugs = [];
    for (let i = 0; i < 3; i += 1) slugs.push((await call('POST', '', { name })).body['slug']);
    const base = name.toLowerCase();
    expect(slugs).toEqual([base, `${base}-2`, `${base}-3`]);
    const taken = await call('POST', '', { name: 'Other', slug: base });
    expect([taken.status, taken.body['code'], taken.body['current']]).toEqual([409, 'slug_taken', base]);
    const other = await createAgent(plane);
    const moved = await call('PATCH', `/${other.id}`, { slug: base });
    expect([moved.status, moved.body['code']]).toEqual([409, 'slug_taken']);
  });

  it('are made once when fifty ask for one slug, and fifty times when they ask for one name', async () => {
    const slug = unique('race');
    const same = await Promise.all(Array.from({ length: 50 }, () => call('POST', '', { name: 'Racer', slug })));
    expect(same.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(same.filter(({ status, body }) => status === 409 && body['code'] === 'slug_taken')).toHaveLength(49);
    const name = unique('crowd');
    const crowd = await Promise.all(Array.from({ length: 50 }, () => call('POST', '', { name })));
    expect(crowd.map(({ status }) => status)).toEqual(Array(50).fill(201));
    expect(new Set(crowd.map(({ body }) => body['slug'])).size).toBe(50);
  });

  it('keep the derived slug of the longest name within its limit', async () => {
    const name = 'x'.repeat(200);
    const [first, second] = [await call('POST', '', { name }), await call('POST', '', { name })];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(String(second.body['slug']).length).toBeLessThanOrEqual(60);
  });

  it('are listed by status, role, activity and text, in pages', async () => {
    const tenant = await createTenant(plane);
    const admin = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    const list = async (query: string): Promise<{ items: Body[]; total: number; next_cursor: string | null }> =>
      ok(plane.request('GET', `/api/v1/agents?${query}`, { token: admin.token }));
    const make = async (fields: Body): Promise<string> => (await createAgent(plane, fields, admin.token)).id;
    const [a, b, c] = [await make({ name: 'Alpha 100%', role: 'analyst' }), await make({ name: 'Beta', role: 'creative' }), await make({ name: 'Gamma', role: 'creative', is_active: false })];
    await ok(plane.request('POST', `/api/v1/agents/${b}/start`, { token: admin.token }));
    const ids = async (query: string): Promise<unknown[]> => (await list(query)).items.map(({ id }) => id);
    expect(await ids('')).toEqual([c, b, a]);
    expect(await ids('role=creative')).toEqual([c, b]);
    expect(await ids('is_active=false')).toEqual([c]);
    expect(await ids('status_filter=idle')).toEqual([b]);
    expect(await ids('status=offline&role=analyst')).toEqual([a]);
    expect(await ids('search=100%25')).toEqual([a]);
    expect(await ids('search=_')).toEqual([]);
    const first = await list('limit=2');
    expect(first).toMatchObject({ total: 3 });
    expect(await ids(`limit=2&cursor=${first.next_cursor ?? ''}`)).toEqual([a]);
    for (const bad of ['status=asleep', 'is_active=1', 'limit=0', 'limit=101', 'cursor=!', 'page=2', 'role=a&role=b']) {
      expect([bad, (await plane.request('GET', `/api/v1/agents?${bad}`, { token: admin.token })).status]).toEqual([bad, 400]);
    }
  });

  it('change field by field; null clears what may be empty and is refused elsewhere', async () => {
    const { id } = await createAgent(plane, { description: 'x', daily_budget_usd: 5 });
    const changed = await call('PATCH', `/${id}`, { description: null, daily_budget_usd: null, role: 'conductor' });
    expect(changed.body).toMatchObject({ description: null, daily_budget_usd: null, role: 'conductor', revision: 2 });
    for (const field of ['name', 'slug', 'role', 'enabled_tools', 'metadata', 'is_active', 'autonomy_level', 'max_concurrent_tasks']) {
      expect([field, (await call('PATCH', `/${id}`, { [field]: null })).status]).toEqual([field, 400]);
    }
    expect((await call('PATCH', `/${id}`, {})).body).toMatchObject({ revision: 2 });
  });

  it('honour If-Match, also among fifty at once', async () => {
    const { id } = await createAgent(plane);
    const etag = (await call('GET', `/${id}`)).headers.get('etag') ?? '';
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => call('PATCH', `/${id}`, { description: `by ${i}` }, { 'if-match': etag })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status, body }) => status === 412 && body['code'] === 'precondition_failed')).toHaveLength(49);
    expect((await call('GET', `/${id}`)).body['revision']).toBe(2);
    expect((await call('DELETE', `/${id}`, undefined, { 'if-match': etag })).status).toBe(412);
  });

  it('are made once for one idempotency key, with the same token in both answers', async () => {
    const headers = { 'idempotency-key': unique('key') };
    const body = { name: unique('once') };
    const [first, second] = [await call('POST', '', body, headers), await call('POST', '', body, headers)];
    expect(second.status).toBe(201);
    expect(second.body).toEqual(first.body);
  });

  it('are deleted softly: gone everywhere, the slug free, the history kept', async () => {
    const { id, slug, token } = await createAgent(plane);
    expect((await call('DELETE', `/${id}`)).status).toBe(204);
    expect((await call('GET', `/${id}`)).status).toBe(404);
    expect((await call('DELETE', `/${id}`)).status).toBe(404);
    expect((await call('PATCH', `/${id}`, { name: 'x' })).status).toBe(404);
    expect((await plane.request('GET', '/api/v1/agent/boards', { token })).status).toBe(401);
    const again = await call('POST', '', { name: 'Heir', slug });
    expect(again.status).toBe(201);
    const rows = await withAdmin((admin) => admin.query('select deleted_at from agents where id = $1', [id]), plane.database.name);
    expect((rows.rows[0] as { deleted_at: unknown }).deleted_at).not.toBeNull();
  });

  it('are not deleted while they conduct the others', async () => {
    const { id } = await createAgent(plane, { role: 'conductor' });
    const sql = `insert into settings (tenant_id, category, key, value) select tenant_id, 'conductor', 'agent_id', to_jsonb(id::text) from agents where id = $1`;
    await withAdmin((admin) => admin.query(sql, [id]), plane.database.name);
    const answer = await call('DELETE', `/${id}`);
    expect([answer.status, answer.body['code']]).toEqual([409, 'conflict']);
    await withAdmin((admin) => admin.query(`delete from settings where category = 'conductor'`), plane.database.name);
    expect((await call('DELETE', `/${id}`)).status).toBe(204);
  });

  it('of another tenant look like absent ones, on every path', async () => {
    const tenant = await createTenant(plane);
    const admin = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    const foreign = await createAgent(plane);
    const paths: [string, string, unknown?][] = [
      ['GET', ''],
      ['PATCH', '', { name: 'Mine now' }],
      ['DELETE', ''],
      ['GET', '/presence'],
      ...['start', 'stop', 'pause', 'resume', 'kill', 'rotate-token'].map((verb): [string, string, unknown] => ['POST', `/${verb}`, {}]),
    ];
    for (const [method, tail, body] of paths) {
      const ask = (id: string): Promise<ApiResponse> => plane.request(method, `/api/v1/agents/${id}${tail}`, { token: admin.token, headers: { 'x-request-id': 'same' }, ...(body ? { body } : {}) });
      const [theirs, none] = [await ask(foreign.id), await ask(ABSENT)];
      expect([method, tail, theirs.status]).toEqual([method, tail, 404]);
      expect(theirs.body).toEqual(none.body);
    }
    expect((await call('GET', `/${foreign.id}`)).body).toMatchObject({ id: foreign.id, revision: 1 });
    const list = await plane.request<{ total: number }>('GET', '/api/v1/agents', { token: admin.token });
    expect(list.body.total).toBe(0);
  });

  it('are reached by the operator in the tenant that is named', async () => {
    const tenant = await createTenant(plane);
    const made = await call('POST', '', { name: 'Far', tenant_id: tenant.slug });
    expect(made.body).toMatchObject({ tenant_id: tenant.id });
    const id = String(made.body['id']);
    expect((await call('GET', `/${id}`)).status).toBe(404);
    expect((await call('GET', `/${id}?tenant_id=${tenant.slug}`)).status).toBe(200);
  });

  it('are closed to nobody, to portal clients and to agents; users may not kill', async () => {
    const agent = await createAgent(plane);
    expect((await plane.request('GET', '/api/v1/agents')).status).toBe(401);
    expect((await plane.request('GET', '/api/v1/agents', { token: agent.token })).status).toBe(403);
    const [user, client] = [await createUser(plane), await createUser(plane, { role: 'client' })];
    expect((await plane.request('GET', '/api/v1/agents', { token: client.token })).status).toBe(403);
    expect((await plane.request('POST', '/api/v1/agents', { token: client.token, body: { name: 'x' } })).status).toBe(403);
    expect((await plane.request('GET', `/api/v1/agents/${agent.id}`, { token: user.token })).status).toBe(200);
    for (const verb of ['pause', 'resume', 'kill']) expect((await plane.request('POST', `/api/v1/agents/${agent.id}/${verb}`, { token: user.token, body: {} })).status).toBe(403);
  });

  it('leave one audit row for each change, without the token', async () => {
    const { id, token } = await createAgent(plane);
    await ok(call('PATCH', `/${id}`, { role: 'analyst' }));
    await ok(call('POST', `/${id}/kill`, { reason: 'drill' }));
    await ok(call('POST', `/${id}/rotate-token`, {}));
    await ok(call('DELETE', `/${id}`));
    const rows = await auditRows(plane, 'resource_id = $1', [id]);
    expect(rows.map(({ action }) => action)).toEqual(['agent.create', 'agent.update', 'agent.kill', 'agent.rotate_token', 'agent.delete']);
    expect(rows[1]).toMatchObject({ before: { role: 'specialist' }, after: { role: 'analyst' } });
    expect(rows[2]).toMatchObject({ after: { control_state: 'killed' }, detail: { reason: 'drill' } });
    expect(JSON.stringify(rows)).not.toContain(token.slice(0, 12));
  });
});
