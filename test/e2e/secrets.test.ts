import { Revocations } from '../../src/platform/cache/revocations.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { SecretRotation } from '../../src/safeguards/secrets/secret-rotation.js';
import { withAdmin } from '../support/databases.js';
import { claim, createAgent, createTask, createTenant, createUser, login, ok, type SignedIn, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

interface Secret {
  id: string;
  name: string;
  value: string;
  version: number;
  revision: number;
  [field: string]: unknown;
}
type Answer = ApiResponse<Secret & { code: string; items: Secret[]; errors: { field: string }[] }>;

const ABSENT = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00';
const MASK = '********';
const REASON = { reason: 'To see it.' };

let plane: Plane;
let other: Plane;
let admin: SignedIn;
let foreign: SignedIn;
beforeAll(async () => {
  plane = await startPlane();
  other = await startPlane({ database: plane.database });
  admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
  foreign = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
});
afterAll(async () => {
  await other.stop();
  await plane.stop();
});

const call = (method: string, path: string, body?: unknown, token = admin.token, headers: Record<string, string> = {}): Promise<Answer> => plane.request(method, `/api/v1/secrets${path}`, { token, body, headers });
const make = (fields: Record<string, unknown> = {}): Promise<Secret> => ok(call('POST', '', { name: unique('SECRET'), value: `value-${unique('v')}`, ...fields }));
const reveal = async (id: string, version?: number): Promise<string> => (await ok(call('POST', `/${id}/reveal`, { ...REASON, ...(version === undefined ? {} : { version }) }))).value;
interface AuditRow {
  action: string;
  outcome: string;
  actor_id: string;
  detail: Record<string, unknown>;
}
/** Oldest first. */
const auditOf = async (id: string): Promise<AuditRow[]> =>
  (await ok(plane.request<{ items: AuditRow[] }>('GET', `/api/v1/admin/audit?resource_type=secret&resource_id=${id}`, { token: admin.token }))).items.reverse();
const versionsOf = async (id: string): Promise<Secret[]> => (await ok(call('GET', `/${id}/versions`))).items;

describe('a secret', () => {
  it('is made, read, changed and deleted, its value masked in every answer', async () => {
    const name = unique('MAIL');
    const made = await call('POST', '', { name, value: 'canary-value', category: 'api-keys', description: 'mail', expires_at: '2099-01-01T00:00:00Z', grace_seconds: 60 });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ name, value: MASK, category: 'api-keys', description: 'mail', version: 1, expires_at: '2099-01-01T00:00:00.000Z', rotation: null, grace_seconds: 60, revision: 1 });
    const { id } = made.body;
    expect((await call('GET', `/${id}`)).body).toEqual(made.body);
    const changed = await call('PUT', `/${id}`, { category: null, description: 'mail provider', value: 'canary-other' }, admin.token, { 'if-match': made.headers.get('etag') ?? '' });
    expect([changed.status, changed.body]).toMatchObject([200, { value: MASK, category: null, description: 'mail provider', version: 2, revision: 2, expires_at: '2099-01-01T00:00:00.000Z' }]);
    expect((await call('PUT', `/${id}`, { description: 'x' }, admin.token, { 'if-match': made.headers.get('etag') ?? '' })).body.code).toBe('precondition_failed');
    const list = await call('GET', '?limit=100');
    expect(list.body.items.map((item) => item.id)).toContain(id);
    for (const answer of [made, changed, list, await call('GET', `/${id}/versions`)]) expect(JSON.stringify(answer.body)).not.toContain('canary');
    expect(await reveal(id)).toBe('canary-other');
    expect((await call('DELETE', `/${id}`)).status).toBe(204);
    for (const path of [`/${id}`, `/${id}/versions`, `/${id}/grants`]) expect((await call('GET', path)).status).toBe(404);
    expect((await call('POST', `/${id}/reveal`, REASON)).status).toBe(404);
    expect((await auditOf(id)).map(({ action }) => action)).toEqual(['secret.create', 'secret.update', 'secret.reveal', 'secret.delete']);
    expect(JSON.stringify(await auditOf(id))).not.toContain('canary');
  });

  it('lies sealed in the database, bound to its row', async () => {
    const [one, two] = [await make({ value: 'canary-at-rest' }), await make({ value: 'another' })];
    const database = plane.app.get(SystemDatabase);
    const [row] = await database.query<{ sealed: Buffer }>('select sealed from secret_versions where secret_id = $1', [one.id]);
    expect(row?.sealed.includes('canary')).toBe(false);
    await database.execute('update secret_versions set sealed = (select sealed from secret_versions where secret_id = $2) where secret_id = $1', [one.id, two.id]);
    expect((await call('POST', `/${one.id}/reveal`, REASON)).status).toBe(500);
    expect(await reveal(two.id)).toBe('another');
    // Nor does an earlier version in the place of the current one.
    await ok(call('POST', `/${two.id}/rotate`, { value: 'a third' }));
    await database.execute('update secret_versions set sealed = (select sealed from secret_versions where secret_id = $1 and version = 1) where secret_id = $1 and version = 2', [two.id]);
    expect((await call('POST', `/${two.id}/reveal`, REASON)).status).toBe(500);
    expect(await reveal(two.id, 1)).toBe('another');
  });

  it('has a name of its own in its tenant', async () => {
    const { name } = await make();
    const again = await call('POST', '', { name, value: 'x' });
    expect([again.status, again.body.code]).toEqual([409, 'name_taken']);
    const another = await make();
    expect((await call('PUT', `/${another.id}`, { name })).body.code).toBe('name_taken');
    expect((await call('POST', '', { name, value: 'x' }, foreign.token)).status).toBe(201);
    const tries = await Promise.all(Array.from({ length: 20 }, () => call('POST', '', { name: 'RACE', value: 'x' })));
    expect(tries.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
  });

  it.each([
    [{ value: undefined }, 'value'], [{ value: '' }, 'value'], [{ value: 5 }, 'value'], [{ value: 'x'.repeat(65_537) }, 'value'], [{ name: 'two words' }, 'name'], [{ name: '../x' }, 'name'], [{ name: ['a'] }, 'name'],
    [{ expires_at: 'soon' }, 'expires_at'], [{ rotation: { every_days: 0 } }, 'rotation.every_days'], [{ rotation: { every_days: 1, generate: { length: 4 } } }, 'rotation.generate.length'],
    [{ rotation: { every_days: 1, generate: { charset: 'klingon' } } }, 'rotation.generate.charset'], [{ grace_seconds: -1 }, 'grace_seconds'], [{ version: 7 }, 'version'],
    [{ value: MASK }, 'value'],
  ])('refuses %j and repeats no value', async (fields, field) => {
    const { status, body } = await call('POST', '', { name: unique('BAD'), value: 'canary-sent', ...fields });
    expect([status, body.errors[0]?.field]).toEqual([400, field]);
    expect(JSON.stringify(body)).not.toContain('canary');
  });

  it('is nobody else\'s: other roles, other tenants and keys of agents are refused', async () => {
    const { id } = await make();
    const user = await createUser(plane, { role: 'user', tenant: admin.tenantId });
    for (const [method, path, body] of [['GET', '', undefined], ['POST', '', { name: 'X', value: 'x' }], ['GET', `/${id}`, undefined], ['POST', `/${id}/reveal`, REASON], ['POST', `/${id}/rotate`, {}], ['DELETE', `/${id}`, undefined]] as const) {
      expect([method, path, (await call(method, path, body, user.token)).body.code]).toEqual([method, path, 'forbidden']);
    }
    for (const [method, path, body] of [['GET', '', undefined], ['PUT', '', { description: 'x' }], ['DELETE', '', undefined], ['POST', '/reveal', REASON], ['POST', '/rotate', {}], ['GET', '/versions', undefined], ['POST', '/rollback', { version: 1 }], ['GET', '/grants', undefined]] as const) {
      const [theirs, nowhere] = [await call(method, `/${id}${path}`, body, foreign.token), await call(method, `/${ABSENT}${path}`, body, foreign.token)];
      const { request_id: _one, ...first } = theirs.body;
      const { request_id: _two, ...second } = nowhere.body;
      expect([theirs.status, first]).toEqual([404, second]);
    }
  });

  it('is found by its category, and by when it expires', async () => {
    const day = 86_400_000;
    const category = unique('category');
    const at = (days: number) => make({ category, expires_at: new Date(Date.now() + days * day).toISOString() });
    const [past, soon, later] = [await at(-1), await at(5), await at(60)];
    const never = await make({ category });
    const idsOf = async (query: string): Promise<string[]> => (await ok(call('GET', query))).items.map(({ id }) => id).filter((id) => [past, soon, later, never].some((secret) => secret.id === id));
    expect((await idsOf(`?category=${category}`)).sort()).toEqual([past.id, soon.id, later.id, never.id].sort());
    expect(await idsOf('?category=none-of-these')).toEqual([]);
    expect((await idsOf('/expiring?limit=100')).sort()).toEqual([past.id, soon.id].sort());
    expect(await idsOf('/expiring?days=0')).toEqual([past.id]);
    expect((await idsOf('/expiring?days=61&limit=100')).sort()).toEqual([past.id, soon.id, later.id].sort());
    expect((await call('GET', '/expiring?days=-1')).status).toBe(400);
  });
});

describe('revealing', () => {
  it('takes a reason, and is in the audit log before the answer', async () => {
    const { id } = await make({ value: 'canary-revealed' });
    for (const body of [{}, { reason: '' }, { reason: '   ' }, { reason: 7 }]) expect((await call('POST', `/${id}/reveal`, body)).status).toBe(400);
    const { status, body } = await call('POST', `/${id}/reveal`, { reason: 'The provider asks.' });
    expect([status, body]).toEqual([200, { name: expect.any(String), value: 'canary-revealed', version: 1, expires_at: null }]);
    expect((await auditOf(id)).at(-1)).toMatchObject({ action: 'secret.reveal', outcome: 'done', actor_id: admin.id, detail: { reason: 'The provider asks.', version: 1 } });
  });

  it('takes a fresh sign-in: an older session, a key and the bootstrap token are refused', async () => {
    const { id } = await make();
    const person = await createUser(plane, { role: 'admin', tenant: admin.tenantId });
    expect((await call('POST', `/${id}/reveal`, REASON, person.token)).status).toBe(200);
    await age(person.id);
    const refused = await call('POST', `/${id}/reveal`, REASON, person.token);
    expect([refused.status, refused.body.code]).toEqual([403, 'fresh_sign_in_required']);
    const again = (await login(plane, person.email)).body.access_token;
    expect((await call('POST', `/${id}/reveal`, REASON, again)).status).toBe(200);
    const { key } = await ok(plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: again, body: { name: 'all', scopes: ['*'] } }));
    expect((await plane.request<{ code: string }>('POST', `/api/v1/secrets/${id}/reveal`, { headers: { 'x-api-key': key }, body: REASON })).body.code).toBe('fresh_sign_in_required');
    expect((await call('POST', `/${id}/reveal?tenant_id=${admin.tenantId}`, REASON, ADMIN_TOKEN)).body.code).toBe('fresh_sign_in_required');
    const reveals = (await auditOf(id)).filter(({ action }) => action === 'secret.reveal');
    expect(reveals).toHaveLength(2);
  });

  it('shows nothing when its row cannot be written, and an agent gets nothing either', async () => {
    const { id, name } = await make({ value: 'canary-unwritten' });
    const agent = await createAgent(plane, {}, admin.token);
    await createTask(plane, { agent_id: agent.id }, admin.token);
    await claim(plane, agent);
    const grants = async (): Promise<unknown> => (await call('GET', `/${id}/grants`)).body.items.map(({ uses }) => uses);
    await ok(call('POST', `/${id}/grants`, { agent_id: agent.id, max_uses: 1 }));
    const use = () => plane.request('GET', `/api/v1/agent/secrets/${name}`, { token: agent.token });
    await withAdmin((client) => client.query(`alter table audit_log add constraint no_row check (action not in ('secret.reveal', 'secret.use')) not valid`), plane.database.name);
    try {
      for (const answer of [await call('POST', `/${id}/reveal`, REASON), await use()]) {
        expect(answer.status).toBe(500);
        expect(JSON.stringify(answer.body)).not.toContain('canary');
      }
      expect(await grants()).toEqual([0]);
    } finally {
      await withAdmin((client) => client.query('alter table audit_log drop constraint no_row'), plane.database.name);
    }
    expect([await reveal(id), (await use()).body['value'], await grants()]).toEqual(['canary-unwritten', 'canary-unwritten', [1]]);
  });

  it('is done anew for each request, also with an Idempotency-Key', async () => {
    const { id } = await make({ value: 'first' });
    const headers = { 'idempotency-key': unique('key') };
    expect((await call('POST', `/${id}/reveal`, REASON, admin.token, headers)).body.value).toBe('first');
    await ok(call('POST', `/${id}/rotate`, { value: 'second' }));
    expect((await call('POST', `/${id}/reveal`, REASON, admin.token, headers)).body.value).toBe('second');
    expect((await auditOf(id)).filter(({ action }) => action === 'secret.reveal')).toHaveLength(2);
  });
});

/** As if the person had signed in ten minutes ago. */
async function age(userId: string): Promise<void> {
  await plane.app.get(SystemDatabase).execute(`update sessions set authenticated_at = now() - interval '301 seconds' where user_id = $1`, [userId]);
  await plane.app.get(Revocations).revoke([`user:${userId}`]);
}

describe('versions', () => {
  it('are made by rotating: to a given value, or to one that is made', async () => {
    const { id } = await make({ value: 'one' });
    expect((await ok(call('POST', `/${id}/rotate`, { value: 'two' }))).version).toBe(2);
    expect((await ok(call('POST', `/${id}/rotate`, { generate: { length: 24, charset: 'hex' } }))).version).toBe(3);
    expect((await ok(call('POST', `/${id}/rotate`, {}))).version).toBe(4);
    expect((await call('POST', `/${id}/rotate`, { value: 'x', generate: {} })).status).toBe(400);
    expect([await reveal(id, 1), await reveal(id, 2)]).toEqual(['one', 'two']);
    expect(await reveal(id, 3)).toMatch(/^[0-9a-f]{24}$/);
    expect(await reveal(id)).toMatch(/^[A-Za-z0-9]{40}$/);
    expect((await versionsOf(id)).map(({ version, origin, value }) => [version, origin, value])).toEqual([[4, 'generated', MASK], [3, 'generated', MASK], [2, 'given', MASK], [1, 'given', MASK]]);
    expect((await call('POST', `/${id}/reveal`, { ...REASON, version: 9 })).status).toBe(404);
  });

  it('are rolled back to and destroyed', async () => {
    const { id } = await make({ value: 'good' });
    await ok(call('POST', `/${id}/rotate`, { value: 'bad' }));
    expect((await call('POST', `/${id}/rollback`, { version: 2 })).body.code).toBe('current_version');
    expect((await call('POST', `/${id}/rollback`, { version: 7 })).status).toBe(404);
    expect((await ok(call('POST', `/${id}/rollback`, { version: 1 }))).version).toBe(3);
    expect(await reveal(id)).toBe('good');
    expect((await call('POST', `/${id}/versions/destroy`, { version: 3 })).body.code).toBe('current_version');
    expect((await ok(call('POST', `/${id}/versions/destroy`, { version: 2 }))).version).toBe(3);
    for (const path of ['versions/destroy', 'rollback', 'reveal']) {
      const { status, body } = await call('POST', `/${id}/${path}`, { version: 2, ...(path === 'reveal' ? REASON : {}) });
      expect([path, status, body.code]).toEqual([path, 410, 'version_destroyed']);
    }
    expect(await plane.app.get(SystemDatabase).query('select version from secret_versions where secret_id = $1 and sealed is null', [id])).toEqual([{ version: 2 }]);
    expect((await auditOf(id)).map(({ action }) => action)).toEqual(expect.arrayContaining(['secret.rollback', 'secret.version.destroy']));
  });

  it('that have a value again after a rollback lose it with the version that had it first', async () => {
    const { id } = await make({ value: 'leaked' });
    const destroy = (version: number): Promise<Answer> => call('POST', `/${id}/versions/destroy`, { version });
    await ok(call('POST', `/${id}/rotate`, { value: 'second' }));
    await ok(call('POST', `/${id}/rollback`, { version: 1 }));
    // While it is the current value, nothing is said to be gone.
    const refused = await destroy(1);
    expect([refused.status, refused.body.code, refused.body['current'], refused.body['detail']]).toEqual([409, 'current_version', 3, expect.stringContaining('has the value of version 1')]);
    expect(await reveal(id, 1)).toBe('leaked');
    await ok(call('POST', `/${id}/rotate`, { value: 'fourth' }));
    // A copy of a copy, and then one of its own.
    await ok(call('POST', `/${id}/rollback`, { version: 3 }));
    await ok(call('POST', `/${id}/rotate`, { value: 'sixth', grace_seconds: 3_600 }));
    expect((await versionsOf(id)).map(({ version, copy_of }) => [version, copy_of])).toEqual([[6, null], [5, 1], [4, null], [3, 1], [2, null], [1, null]]);
    await ok(destroy(3));
    for (const version of [1, 3, 5]) expect([version, (await call('POST', `/${id}/reveal`, { ...REASON, version })).body.code, (await destroy(version)).body.code]).toEqual([version, 'version_destroyed', 'version_destroyed']);
    expect(await plane.app.get(SystemDatabase).query('select version from secret_versions where secret_id = $1 and sealed is not null order by version', [id])).toEqual([{ version: 2 }, { version: 4 }, { version: 6 }]);
    expect([await reveal(id, 2), await reveal(id, 4), await reveal(id)]).toEqual(['second', 'fourth', 'sixth']);
    expect((await auditOf(id)).find(({ action }) => action === 'secret.version.destroy')?.detail).toMatchObject({ version: 3, destroyed: [1, 3, 5] });
  });

  it('count one by one when many rotate at once, in two processes', async () => {
    const { id } = await make();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 ? plane : other).request<Secret>('POST', `/api/v1/secrets/${id}/rotate`, { token: admin.token, body: { value: `value ${index}` } })));
    expect(answers.map(({ body }) => body.version).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 2));
    expect(new Set(await Promise.all(Array.from({ length: 20 }, (_, index) => reveal(id, index + 2)))).size).toBe(20);
  });
});

describe('rotation by the clock', () => {
  const makeDue = (id: string) => plane.app.get(SystemDatabase).execute(`update secrets set next_rotation_at = now() - interval '1 second' where id = $1`, [id]);
  const round = (which = plane) => which.app.get(SecretRotation).round(new AbortController().signal);

  it('puts a secret off that cannot be rotated, says so, and goes on with those behind it', async () => {
    const rotation = { rotation: { every_days: 7 } };
    const failing = await Promise.all(Array.from({ length: 50 }, () => make(rotation)));
    const behind = await make(rotation);
    await plane.app.get(SystemDatabase).execute(`update secrets set next_rotation_at = now() - interval '1 hour' where id = any($1)`, [failing.map(({ id }) => id)]);
    await makeDue(behind.id);
    await withAdmin((client) => client.query(`alter table secret_versions add constraint no_rotation check (secret_id not in (${failing.map(({ id }) => `'${id}'`).join(', ')})) not valid`), plane.database.name);
    const { id } = failing[0]!;
    const stateOf = async (): Promise<{ failures: number; last_error: string | null; next_at: string }> => (await ok(call('GET', `/${id}`)))['rotation'] as { failures: number; last_error: string | null; next_at: string };
    const wait = async (): Promise<number> => Math.round((Date.parse((await stateOf()).next_at) - Date.now()) / 60_000);
    try {
      await round();
      await round();
      expect((await ok(call('GET', `/${behind.id}`))).version).toBe(2);
      expect([await stateOf(), await wait()]).toEqual([expect.objectContaining({ failures: 1, last_error: 'internal' }), 2]);
      await makeDue(id);
      await Promise.all([round(), round(other)]);
      expect([(await stateOf()).failures, await wait()]).toEqual([2, 4]);
      await plane.app.get(SystemDatabase).execute('update secrets set rotation_failures = 1000 where id = $1', [id]);
      await makeDue(id);
      await round();
      expect(await wait()).toBe(60);
      expect((await auditOf(id)).filter(({ outcome }) => outcome === 'failed')).toMatchObject([{ action: 'secret.rotate', actor_id: 'secret-rotation', detail: { reason: 'internal' } }]);
      expect(await (await fetch(`${plane.url}/metrics`)).text()).toMatch(/wheelhouse_secrets_failing_rotations [1-9]/);
    } finally {
      await withAdmin((client) => client.query('alter table secret_versions drop constraint no_rotation'), plane.database.name);
    }
    await makeDue(id);
    await round();
    expect([(await ok(call('GET', `/${id}`))).version, await stateOf()]).toEqual([2, expect.objectContaining({ failures: 0, last_error: null })]);
  }, 30_000);

  it('makes a new value when it is time, once, and not before', async () => {
    const made = await make({ value: 'by hand', rotation: { every_days: 7, generate: { length: 16, charset: 'digits' } } });
    expect(made['rotation']).toMatchObject({ every_days: 7, generate: { length: 16, charset: 'digits' } });
    const due = Date.parse((made['rotation'] as { next_at: string }).next_at) - Date.now();
    expect(Math.abs(due - 7 * 86_400_000)).toBeLessThan(60_000);
    await round();
    expect((await ok(call('GET', `/${made.id}`))).version).toBe(1);
    await makeDue(made.id);
    await Promise.all([round(), round(other), round()]);
    const after = await ok(call('GET', `/${made.id}`));
    expect(after.version).toBe(2);
    expect(Date.parse((after['rotation'] as { next_at: string }).next_at)).toBeGreaterThan(Date.now() + 6 * 86_400_000);
    expect(await reveal(made.id)).toMatch(/^\d{16}$/);
    expect((await auditOf(made.id)).at(-2)).toMatchObject({ action: 'secret.rotate', actor_id: 'secret-rotation' });
    expect((await ok(call('PUT', `/${made.id}`, { rotation: null })))['rotation']).toBeNull();
    await makeDue(made.id);
    await ok(call('PUT', `/${made.id}`, { rotation: null }));
    await round();
    expect((await ok(call('GET', `/${made.id}`))).version).toBe(2);
  });
});
