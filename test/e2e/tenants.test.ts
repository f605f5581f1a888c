import { withAdmin } from '../support/databases.js';
import { createTenant, createUser, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

const OPERATOR = '00000000-0000-7000-8000-000000000001';

let plane: Plane;
beforeAll(async () => {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
});
afterAll(() => plane.stop());

const call = (
  method: string,
  path: string,
  body?: object,
  token: string = ADMIN_TOKEN,
  headers: Record<string, string> = {},
): Promise<ApiResponse> => plane.request(method, `/api/v1/tenants${path}`, { token, body, headers });

describe('tenants', () => {
  it('are created, read, listed, filtered and changed by operators', async () => {
    const slug = unique('acme');
    const made = await call('POST', '', { name: 'Acme', slug, plan: 'team' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ name: 'Acme', slug, plan: 'team', status: 'active', suspended_reason: null, revision: 1 });
    const read = await call('GET', `/${String(made.body['id'])}`);
    expect(read.body).toEqual(made.body);
    const changed = await call('PATCH', `/${String(made.body['id'])}`, { name: 'Acme Ltd' }, ADMIN_TOKEN, {
      'if-match': read.headers.get('etag') ?? '',
    });
    expect(changed.body).toMatchObject({ name: 'Acme Ltd', plan: 'team', revision: 2 });
    expect(
      (await call('PATCH', `/${String(made.body['id'])}`, { name: 'Late' }, ADMIN_TOKEN, { 'if-match': read.headers.get('etag') ?? '' }))
        .status,
    ).toBe(412);
    const list = await call('GET', '?status=active&limit=100');
    expect((list.body['items'] as { id: string }[]).map(({ id }) => id)).toEqual(expect.arrayContaining([made.body['id'], OPERATOR]));
    expect((await call('GET', '/0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00')).status).toBe(404);
  });

  it('refuse what is malformed or taken', async () => {
    const { slug } = await createTenant(plane);
    expect((await call('POST', '', { name: 'X', slug })).body).toMatchObject({ status: 409, code: 'slug_taken' });
    for (const wrong of [
      { slug: 'Upper' },
      { slug: '-a' },
      { slug: 'a b' },
      { slug: 'x'.repeat(61) },
      { slug: OPERATOR },
      { name: '' },
      { plan: null },
      { plan: 'A' },
      { status: 'suspended' },
      { id: OPERATOR },
    ]) {
      expect((await call('POST', '', { name: 'X', slug: unique('x'), ...wrong })).body).toMatchObject({
        status: 400,
        code: 'invalid_request',
      });
    }
    for (const wrong of [{ slug: 'other' }, { status: 'suspended' }, { suspended_reason: 'x' }, { name: null }, { revision: 9 }])
      expect((await call('PATCH', `/${OPERATOR}`, wrong)).status).toBe(400);
  });

  it('have each slug once, also when 50 ask at once', async () => {
    const slug = unique('race');
    const answers = await Promise.all(Array.from({ length: 50 }, () => call('POST', '', { name: 'R', slug })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ body }) => body['code'] === 'slug_taken')).toHaveLength(49);
  });

  it('are made once with one Idempotency-Key', async () => {
    const body = { name: 'I', slug: unique('idem') };
    const key = { 'idempotency-key': unique('key') };
    const first = await call('POST', '', body, ADMIN_TOKEN, key);
    const again = await call('POST', '', body, ADMIN_TOKEN, key);
    expect([again.status, again.body]).toEqual([201, first.body]);
  });

  it('show an administrator of another tenant that one alone, and let it change nothing', async () => {
    const [ours, theirs] = [await createTenant(plane), await createTenant(plane)];
    const { token } = await createUser(plane, { role: 'admin', tenant: ours.slug });
    expect(((await call('GET', '', undefined, token)).body['items'] as { id: string }[]).map(({ id }) => id)).toEqual([ours.id]);
    expect((await call('GET', `/${ours.id}`, undefined, token)).status).toBe(200);
    const absent = await call('GET', '/0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00', undefined, token);
    for (const id of [theirs.id, OPERATOR]) {
      const foreign = await call('GET', `/${id}`, undefined, token);
      expect({ ...foreign.body, request_id: null }).toEqual({ ...absent.body, request_id: null });
      expect((await call('PATCH', `/${id}`, { name: 'X' }, token)).status).toBe(404);
      expect((await call('POST', `/${id}/suspend`, {}, token)).status).toBe(404);
      expect((await call('POST', `/${id}/resume`, {}, token)).status).toBe(404);
    }
    expect((await call('POST', '', { name: 'X', slug: unique('x') }, token)).body).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await call('PATCH', `/${ours.id}`, { plan: 'enterprise' }, token)).body).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await call('POST', `/${ours.id}/suspend`, {}, token)).status).toBe(403);
    const { token: user } = await createUser(plane);
    expect((await call('GET', '', undefined, user)).status).toBe(403);
    expect((await call('GET', '', undefined, '')).status).toBe(401);
  });

  it("are suspended with a reason and resumed; the operator's own never is", async () => {
    const { id } = await createTenant(plane);
    expect((await call('POST', `/${id}/suspend`, { reason: 'unpaid' })).body).toMatchObject({
      status: 'suspended',
      suspended_reason: 'unpaid',
      revision: 2,
    });
    expect(((await call('GET', '?status=suspended')).body['items'] as { id: string }[]).map((tenant) => tenant.id)).toContain(id);
    expect((await call('POST', `/${id}/resume`)).body).toMatchObject({ status: 'active', suspended_reason: null });
    expect((await call('POST', `/${OPERATOR}/suspend`)).body).toMatchObject({ status: 409, code: 'operator_tenant' });
    const { rows } = await withAdmin(
      (admin) => admin.query<{ action: string }>(`select action from audit_log where resource_id = $1 order by id`, [id]),
      plane.database.name,
    );
    expect(rows.map(({ action }) => action)).toEqual(['tenant.create', 'tenant.suspend', 'tenant.resume']);
  });

  it("are written by the database in no other tenant's transaction", async () => {
    const { id } = await createTenant(plane);
    await withAdmin(async (admin) => {
      await admin.query('set role wheelhouse_app');
      await admin.query(`select set_config('app.tenant_id', $1, false)`, [id]);
      expect((await admin.query('select id from tenants')).rows).toEqual([{ id }]);
      expect((await admin.query(`update tenants set plan = 'enterprise'`)).rowCount).toBe(0);
      expect((await admin.query('update installation set setup_completed_at = now()')).rowCount).toBe(0);
      await expect(admin.query(`insert into tenants (id, slug, name) values (gen_random_uuid(), 'forged', 'Forged')`)).rejects.toThrow(
        /row-level security/,
      );
      await expect(admin.query('delete from tenants')).rejects.toThrow(/permission denied/);
    }, plane.database.name);
  });
});
