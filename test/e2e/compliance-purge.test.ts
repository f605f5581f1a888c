import { newId, OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { KEPT_TABLES, tenantTables } from '../../src/platform/erasure/tenant-tables.js';
import { Erasing } from '../../src/operations/compliance/erasing.service.js';
import type { Purge } from '../../src/operations/compliance/purge.entity.js';
import { exported, sealed, verifyOffline, verifyOnline, type Verification } from '../support/audit-bundles.js';
import { Canaries } from '../support/canaries.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createBoard, createTask, createTenant, createUser, ok, PASSWORD, type SignedIn, someAddress, type TestAgent, unique } from '../support/factories.js';
import type { Plane } from '../support/plane.js';
import { checkCertificate, lookAgain, PURGE, purge, type PurgeBody, purged, query, remains, send, takeSamples, workWithCanaries } from '../support/purges.js';
import { plane, second as other, startTwo, stopTwo } from '../support/two-planes.js';

type Found = Verification & { erased: number; erased_ranges: { from: number; to: number }[] };

let operator: SignedIn;

beforeAll(async () => {
  await startTwo();
  operator = await createUser(plane, { role: 'admin' });
});
afterAll(stopTwo);

describe('the purge of an agent', () => {
  const canaries = new Canaries();
  let admin: SignedIn;
  let agent: TestAgent;
  let kept: Canaries;
  let bundle: string;

  beforeAll(async () => {
    admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).slug });
    ({ agent, kept } = await workWithCanaries(admin, canaries));
    await sealed(plane, admin.token);
    bundle = await exported(plane, admin.token);
  });

  it('is refused to who may not, whose sign-in is old, and for another name than the one given', async () => {
    const refusal = async (token: string, id = agent.id, more: object = {}): Promise<unknown> => {
      const { status, body } = await purge(token, 'agent', id, more);
      return [status, body.code];
    };
    expect(await refusal((await createUser(plane, { tenant: admin.tenantId })).token)).toEqual([403, 'forbidden']);
    expect(await refusal(agent.token)).toEqual([403, 'forbidden']);
    const { key } = await send<{ key: string }>(admin.token, 'POST', '/security/api-keys', { name: 'k', scopes: ['compliance:purge'] });
    expect(await refusal(key)).toEqual([403, 'fresh_sign_in_required']);
    const old = await createUser(plane, { role: 'admin', tenant: admin.tenantId });
    await query(`update sessions set authenticated_at = now() - interval '6 minutes' where user_id = $1`, [old.id]);
    await expect(eventually(async () => ((await refusal(old.token)) as string[])[1] === 'fresh_sign_in_required')).resolves.toBe(true);
    expect(await refusal(admin.token, agent.id, { confirm: 'somebody else' })).toEqual([422, 'unprocessable']);
    expect(await refusal(admin.token, newId())).toEqual([404, 'not_found']);
    expect(await refusal((await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).slug })).token)).toEqual([404, 'not_found']);
    expect((await plane.request('POST', PURGE, { token: admin.token, body: { entity_type: 'user', entity_id: agent.id } })).status).toBe(400);
    expect((await claim(other, agent)).length).toBe(0);
  });

  it('is one, and holds nothing up, when more ask for it at once than there are connections', async () => {
    const one = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).slug });
    const { id } = await createAgent(plane, {}, one.token);
    const answers = await Promise.all(Array.from({ length: 20 }, () => purge(one.token, 'agent', id)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  });

  it('erases what the agent wrote and what is said of it, and leaves what the tenant told it', async () => {
    await takeSamples();
    const there = await remains(canaries, admin.token);
    expect([there.length > 20, there.some((place) => place.endsWith('in statistics'))]).toEqual([true, true]);
    const knocks = new AbortController();
    const knock = async (one: Plane, path: string, body: object): Promise<number[]> => {
      const seen: number[] = [];
      while (!knocks.signal.aborted) seen.push((await one.request('POST', `/api/v1/agent${path}`, { token: agent.token, body, headers: { 'x-forwarded-for': someAddress() } })).status);
      return seen;
    };
    const [text, commented] = [canaries.put('said under load'), await createTask(plane, { agent_id: agent.id }, admin.token)];
    const knocking = [plane, other].flatMap((one) => [knock(one, '/heartbeat', { status: 'online', name: text }), knock(one, `/tasks/${commented.id}/comments`, { body: text })]);
    const begun = await purge(admin.token, 'agent', agent.id, { reason: 'Request 1' });
    expect([begun.status, begun.body.status, begun.body.certificate]).toEqual([202, 'running', null]);
    for (const one of [plane, other]) expect((await one.request('POST', '/api/v1/agent/heartbeat', { token: agent.token, body: { status: 'online' } })).status).toBe(401);
    // What was sealed about it opens nowhere any more, whatever was in memory.
    for (const one of [plane, other]) {
      const { items } = await ok(one.request<{ items: { action: string; erased: boolean }[] }>('GET', `/api/v1/admin/audit?resource_id=${agent.id}&limit=100`, { token: admin.token }));
      expect([...new Set(items.filter(({ erased }) => !erased).map(({ action }) => action.replace(/purged?$/, '')))]).toEqual(['compliance.']);
    }
    const done = await purged(admin.token, begun.body.id);
    knocks.abort();
    expect((await Promise.all(knocking)).flat().filter((code) => ![200, 201, 401, 403, 404, 409].includes(code))).toEqual([]);
    // Who had begun before may have written since: two minutes later it is looked again.
    await lookAgain(admin.tenantId, done.id);
    expect(await remains(canaries, admin.token)).toEqual([]);
    expect(kept.foundIn('tasks', JSON.stringify((await send<object>(admin.token, 'GET', '/tasks?limit=100')))).map((place) => place.replace(/ in tasks$/, ''))).toEqual(
      expect.arrayContaining(['title to complete', 'instructions to complete', 'title as changed', 'title to bury']),
    );
    expect(done.erased).toMatchObject({ task_comments: expect.any(Number) as unknown, board_memory: 1, approvals: 2, agents: 1, agent_tokens: 1, agent_presence: 1 });
    expect(await purge(admin.token, 'agent', agent.id)).toMatchObject({ status: 202, body: { id: done.id, status: 'done' } });
    expect((await plane.request('GET', `/api/v1/agents/${agent.id}`, { token: admin.token })).status).toBe(404);
  });

  it('keeps the log valid, online and in bundles from before and after, and says which rows are erased', async () => {
    await sealed(plane, admin.token);
    const found = (await verifyOnline(plane, admin.token)) as Found;
    expect([found.ok, found.waiting]).toEqual([true, 0]);
    expect(found.erased).toBeGreaterThan(5);
    expect(found.erased_ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)).toBe(found.erased);
    expect((await verifyOffline(bundle)).code).toBe(0);
    const after = await verifyOffline(await exported(plane, admin.token));
    expect([after.code, after.text]).toEqual([0, expect.stringMatching(/^OK: .* \d+ of them with their content erased\.\nerased: rows? \d+/)]);
    const { items } = await send<{ items: { erased: boolean; actor_label: string; detail: object }[] }>(admin.token, 'GET', '/admin/audit?action=compliance.purge');
    expect(items).toMatchObject([{ erased: false, actor_label: admin.email, detail: { reason: 'Request 1' } }]);
  });

  it('is certified, for who has no more than the certificate and the key', async () => {
    const { items } = await send<{ items: PurgeBody[] }>(admin.token, 'GET', '/compliance/purges');
    const { keys } = await send<{ keys: string[] }>(admin.token, 'GET', '/audit/public-key');
    const body = items[0]!;
    const { certificate } = body.certificate!;
    expect(certificate).toMatchObject({ entity: { type: 'agent', id: agent.id, tenant_id: admin.tenantId }, reason: 'Request 1', requested_by: { kind: 'user', id: admin.id }, erased: body.erased });
    expect(certificate.keys_destroyed).toMatchObject([{ subject_type: 'agent', subject_id: agent.id }]);
    expect(certificate.audit).toMatchObject({ unsealed_rows: 0 });
    expect(certificate.audit.erased_rows).toBeGreaterThan(5);
    expect(certificate.audit.after!.size).toBeGreaterThan(certificate.audit.before!.size);
    expect(await checkCertificate(body, keys.join('\n'))).toMatchObject({ code: 0, text: expect.stringMatching(/^OK: purge .* of agent /) as unknown });
    expect((await checkCertificate(body.certificate!)).code).toBe(0);
    for (const tamper of [(c: typeof certificate) => (c.erased['agents'] = 0), (c: typeof certificate) => (c.audit.consistency = []), (c: typeof certificate) => (c.reason = 'Other')]) {
      const copy = structuredClone(body);
      tamper(copy.certificate!.certificate);
      expect(await checkCertificate(copy, keys.join('\n'))).toMatchObject({ code: 1, text: expect.stringContaining('WRONG') as unknown });
    }
    expect((await checkCertificate({ nothing: true })).code).toBe(2);
  });

  it('makes no difference when it is done again, and ends what was interrupted', async () => {
    const again = await createAgent(plane, {}, admin.token);
    const board = await createBoard(plane, {}, [again], admin.token);
    for (let index = 0; index < 3; index += 1) await send(again.token, 'POST', `/agent/boards/${board.id}/memory`, { content: `note ${index}` });
    await send(admin.token, 'DELETE', `/agents/${again.id}`);
    const row = { tenant_id: admin.tenantId, id: newId(), entity_type: 'agent', entity_id: again.id } as Purge;
    await query(`insert into compliance_purges (tenant_id, id, entity_type, entity_id, requested_by_kind, requested_by_id) values ($1, $2, 'agent', $3, 'test', 'test')`, [row.tenant_id, row.id, again.id]);
    const erase = (signal: AbortSignal): Promise<number> => plane.app.get(RequestContext).runAsSystem(admin.tenantId, 'test', () => plane.app.get(Erasing).erase(row, signal));
    const controller = new AbortController();
    // Dies in the middle: as soon as the memory has gone.
    const dies = new Proxy(controller.signal, {
      get: (signal, name) => (name === 'throwIfAborted' ? () => { steps += 1; if (steps > 6) controller.abort(); signal.throwIfAborted(); } : Reflect.get(signal, name) as unknown),
    });
    let steps = 0;
    await expect(erase(dies)).rejects.toThrow();
    await erase(new AbortController().signal);
    expect(await erase(new AbortController().signal)).toBe(0);
    const [{ erased }] = (await query<{ erased: Record<string, number> }>('select erased from compliance_purges where id = $1', [row.id])) as [{ erased: Record<string, number> }];
    expect(erased).toMatchObject({ board_memory: 3, agents: 1, agent_tokens: 1 });
    const done = (await send<{ items: PurgeBody[] }>(admin.token, 'GET', '/compliance/purges?limit=2')).items[1]!;
    await lookAgain(admin.tenantId, done.id);
    expect((await send<PurgeBody>(admin.token, 'GET', `/compliance/purges/${done.id}`)).revision).toBe(done.revision);
  });
});

describe('the purge of a tenant', () => {
  const canaries = new Canaries();
  let admin: SignedIn;
  let agent: TestAgent;
  let slug: string;

  /** A tenant that came by the form, with something in every field. */
  beforeAll(async () => {
    const email = `${canaries.putPlain('e-mail of the founder')}@example.com`;
    const form = await ok(plane.request<{ id: string }>('POST', '/api/v1/intake', {
      body: { full_name: canaries.put('name of the founder'), email, priorities: canaries.put('priorities'), automation_wish: canaries.put('wish'), channels: [canaries.putPlain('channel')] },
      headers: { 'x-forwarded-for': someAddress() },
    }));
    slug = canaries.putPlain('slug');
    const { tenant, admin: founder } = await send<{ tenant: { id: string }; admin: { id: string } }>(operator.token, 'POST', '/intake/conversions', { submission_id: form.id, name: canaries.put('name of the tenant'), slug, password: PASSWORD });
    const signedIn = await ok(plane.request<{ access_token: string; refresh_token: string }>('POST', '/api/v1/auth/login', { body: { email, password: PASSWORD }, headers: { 'user-agent': canaries.putPlain('browser'), 'x-forwarded-for': someAddress() } }));
    admin = { id: founder.id, email, token: signedIn.access_token, refreshToken: signedIn.refresh_token, tenantId: tenant.id };
    ({ agent } = await workWithCanaries(admin, canaries));
    const post = (path: string, body: object): Promise<{ id: string }> => send(admin.token, 'POST', path, body);
    const parent = await post('/tasks', { title: canaries.put('task'), description: canaries.put('description of a task'), instructions: canaries.put('instructions'), payload: { text: canaries.put('payload') } });
    await post('/tasks', { title: canaries.put('task below'), parent_task_id: parent.id, depends_on: [parent.id] });
    await post(`/tasks/${parent.id}/comments`, { body: canaries.put('comment of a person') });
    await post('/secrets', { name: canaries.putPlain('name of a secret').toUpperCase(), value: canaries.put('secret'), description: canaries.put('description of a secret') });
    await post('/admin/users', { email: `${canaries.putPlain('e-mail')}@example.com`, password: PASSWORD, full_name: canaries.put('full name'), role: 'user' });
    await post('/security/api-keys', { name: canaries.put('name of a key'), scopes: ['task:read'] });
    await plane.request('POST', '/api/v1/auth/login', { body: { email, password: 'wrong' }, headers: { 'x-forwarded-for': someAddress() } });
    await send(operator.token, 'PATCH', `/tenants/${tenant.id}`, { name: canaries.put('new name of the tenant') });
    await sealed(plane, operator.token);
  });

  it("is the operator's, and never of the operator's own", async () => {
    const mine = await purge(admin.token, 'tenant', admin.tenantId);
    expect([mine.status, mine.body.code]).toEqual([403, 'forbidden']);
    for (const id of [OPERATOR_TENANT_ID, newId()]) expect((await purge(admin.token, 'tenant', id)).status).toBe(404);
    const own = await purge(operator.token, 'tenant', OPERATOR_TENANT_ID);
    expect([own.status, own.body.code]).toEqual([409, 'operator_tenant']);
    expect((await purge(operator.token, 'tenant', admin.tenantId, { confirm: unique('x') })).status).toBe(422);
  });

  it('refuses at once, under load, without an error, and leaves nothing', async () => {
    await takeSamples();
    const there = await remains(canaries, operator.token, admin.tenantId);
    expect([there.length > 40, there.some((place) => place.endsWith('in statistics'))]).toEqual([true, true]);
    const statuses = new Map<string, Set<number>>();
    const load = new AbortController();
    const [title, value] = [canaries.put('task under load'), canaries.put('secret under load')];
    const knock = async (one: Plane, token: string, method: string, path: string, body?: () => unknown): Promise<void> => {
      while (!load.signal.aborted) {
        const { status } = await one.request(method, `/api/v1${path}`, { token, ...(body ? { body: body() } : {}), headers: { 'x-forwarded-for': someAddress() } });
        statuses.set(path, (statuses.get(path) ?? new Set()).add(status));
      }
    };
    const knocking = [plane, other].flatMap((one) => [
      knock(one, admin.token, 'POST', '/tasks', () => ({ title })),
      knock(one, admin.token, 'POST', '/secrets', () => ({ name: unique('S').replaceAll('-', '_').toUpperCase(), value })),
      knock(one, agent.token, 'POST', '/agent/heartbeat', () => ({ status: 'online' })),
      knock(one, admin.token, 'GET', '/tasks?limit=5'),
    ]);
    const purgeUnderLoad = async (): Promise<{ done: PurgeBody; late: number[] }> => {
      await eventually(() => statuses.size === 4);
      const { status, body } = await purge(operator.token, 'tenant', admin.tenantId, { confirm: slug, reason: 'Request 2' });
      expect([status, body.status]).toEqual([202, 'running']);
      statuses.clear();
      const done = await purged(operator.token, body.id);
      const late = await Promise.all([plane, other].flatMap((one) => [admin.token, agent.token].map(async (token) => (await one.request('GET', '/api/v1/auth/me', { token })).status)));
      await eventually(() => [...statuses.values()].every((seen) => [401, 403, 404].some((code) => seen.has(code))) && statuses.size === 4);
      return { done, late };
    };
    const { done, late } = await purgeUnderLoad().finally(() => load.abort());
    await Promise.all(knocking);
    expect([...statuses.values()].flatMap((seen) => [...seen]).filter((code) => code >= 500)).toEqual([]);
    // Refused all the time; as nobody's from the end of the purge on.
    expect(late).toEqual([401, 401, 401, 401]);

    expect(await remains(canaries, operator.token, admin.tenantId)).toEqual([]);
    const left = await Promise.all((await tenantTables(plane.app.get(SystemDatabase).pool)).map(async ({ table }) => [table, (await query(`select 1 from ${table} where tenant_id = $1 limit 1`, [admin.tenantId])).length]));
    expect(left.filter(([, rows]) => rows !== 0)).toEqual([]);
    expect(left.length).toBeGreaterThan(30);
    expect(done.erased).toMatchObject({ users: 2, secrets: expect.any(Number) as unknown, intake_submissions: 1, agents: 2, tasks: expect.any(Number) as unknown });
    expect(await checkCertificate(done)).toMatchObject({ code: 0, text: expect.stringMatching(/^OK: purge .* of tenant /) as unknown });
    expect(done.certificate!.certificate.keys_destroyed.map(({ tenant_id, subject_type }) => [tenant_id, subject_type])).toEqual(expect.arrayContaining([[admin.tenantId, 'tenant'], [admin.tenantId, 'agent'], [OPERATOR_TENANT_ID, 'tenant']]));
  }, 120_000);

  it('leaves a log that is valid, of which nothing can be read', async () => {
    await sealed(plane, operator.token);
    const found = (await verifyOnline(plane, operator.token, `?tenant_id=${admin.tenantId}`)) as Found;
    expect(found).toMatchObject({ ok: true, erased: found.size, erased_ranges: [{ from: 0, to: found.size - 1 }] });
    expect((await verifyOnline(plane, operator.token)).ok).toBe(true);
    const answer = await fetch(`${plane.url}/api/v1/audit/export?tenant_id=${admin.tenantId}`, { headers: { authorization: `Bearer ${operator.token}` } });
    expect((await verifyOffline(await answer.text())).code).toBe(0);
    expect(Object.keys(KEPT_TABLES)).toContain('audit_log');
  });

  it('leaves a tenant that is not there any more, for good', async () => {
    expect((await plane.request('GET', `/api/v1/tenants/${admin.tenantId}`, { token: operator.token })).status).toBe(404);
    for (const act of ['resume', 'suspend']) expect((await plane.request('POST', `/api/v1/tenants/${admin.tenantId}/${act}`, { token: operator.token })).status).toBe(404);
    const made = await plane.request('POST', '/api/v1/admin/users', { token: operator.token, body: { email: 'late@example.com', password: PASSWORD, full_name: 'Late', role: 'admin', tenant_id: admin.tenantId } });
    expect(made.status).toBe(404);
    expect((await plane.request('GET', `/api/v1/agents?tenant_id=${admin.tenantId}`, { token: operator.token })).body).toMatchObject({ items: [] });
    // The slug is free again.
    expect((await createTenant(plane, slug)).slug).toBe(slug);
  });
});
