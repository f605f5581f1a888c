import { IntakeCleaner } from '../../src/operations/intake/intake.cleaner.js';
import { withAdmin } from '../support/databases.js';
import { createTenant, createUser, login, ok, PASSWORD, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

interface Submission {
  id: string;
  status: string;
  email: string;
  converted_tenant_id: string | null;
}

let plane: Plane;
beforeAll(async () => {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
});
afterAll(() => plane.stop());

/** Each from an address of its own: the form may be sent a few times a minute from one. */
let addresses = 0;
const somewhere = (): Record<string, string> => ({ 'x-forwarded-for': `203.0.113.${(addresses += 1)}` });
const form = (fields: object = {}): object => ({ full_name: 'John Doe', email: `${unique('john')}@example.com`, priorities: 'Cost reduction', channels: ['telegram', 'discord'], ...fields });
const submit = (body: object, headers = somewhere()): Promise<ApiResponse<{ id: string }>> => plane.request('POST', '/api/intake', { body, headers });
const list = (query = '', token = ADMIN_TOKEN): Promise<{ items: Submission[]; total: number }> => ok(plane.request('GET', `/api/v1/intake${query}`, { token }));
const convert = (submission_id: string, fields: object = {}, token = ADMIN_TOKEN): Promise<ApiResponse<{ tenant: { id: string; slug: string }; admin: { id: string; email: string; role: string; tenant_id: string } }>> =>
  plane.request('POST', '/api/v1/intake/conversions', { token, body: { submission_id, name: 'Doe Ltd', slug: unique('doe'), password: PASSWORD, ...fields } });

describe('intake', () => {
  it('takes the form from anyone, and shows it to the operator alone', async () => {
    const email = `${unique('john')}@example.com`;
    const made = await submit(form({ email, automation_wish: 'Auto-respond to support tickets' }));
    expect(made.status).toBe(201);
    expect(Object.keys(made.body).sort()).toEqual(['created_at', 'id']);
    const { items } = await list('?status=new');
    expect(items.find(({ id }) => id === made.body.id)).toMatchObject({ full_name: 'John Doe', email, automation_wish: 'Auto-respond to support tickets', channels: ['telegram', 'discord'], status: 'new', converted_tenant_id: null });
    const tenant = await createTenant(plane);
    const boss = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    expect(await list('', boss.token)).toMatchObject({ items: [], total: 0 });
    expect((await convert(made.body.id, {}, boss.token)).status).toBe(403);
    const user = await createUser(plane, { role: 'user' });
    expect((await plane.request('GET', '/api/v1/intake', { token: user.token })).status).toBe(403);
    expect((await plane.request('GET', '/api/v1/intake')).status).toBe(401);
  });

  it('refuses what is no form, and too many from one address', async () => {
    for (const fields of [{ email: 'nobody' }, { full_name: ' ' }, { channels: 'telegram' }, { channels: Array.from({ length: 21 }, () => 'x') }, { role: 'admin' }, { priorities: 'x'.repeat(2001) }])
      expect((await submit(form(fields))).status).toBe(400);
    const headers = somewhere();
    const answers = await Promise.all(Array.from({ length: 12 }, () => submit(form(), headers)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(answers.find(({ status }) => status === 429)?.headers.get('retry-after')).toBeTruthy();
  });

  it('becomes a tenant with its first administrator by one call, once, also of 50 at once', async () => {
    const email = `${unique('jane')}@example.com`;
    const { id } = (await submit(form({ email, full_name: 'Jane Doe' }))).body;
    const answers = await Promise.all(Array.from({ length: 50 }, () => convert(id)));
    const [made] = answers.filter(({ status }) => status === 201);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(49);
    expect(made?.body.admin).toMatchObject({ email, full_name: 'Jane Doe', role: 'admin', tenant_id: made?.body.tenant.id });
    expect((await list('?status=converted')).items.find((item) => item.id === id)).toMatchObject({ converted_tenant_id: made?.body.tenant.id });
    const signedIn = await login(plane, email);
    expect(signedIn.status).toBe(200);
    const rows = await ok(plane.request<{ items: { after: object }[] }>('GET', `/api/v1/admin/audit?action=intake.convert&resource_id=${id}`, { token: ADMIN_TOKEN }));
    expect(rows.items).toMatchObject([{ after: { converted_tenant_id: made?.body.tenant.id, admin: { id: made?.body.admin.id } } }]);
    // A log that only grows is no place for names and addresses.
    for (const text of [email, 'Jane Doe']) expect(JSON.stringify(rows)).not.toContain(text);
  });

  it('is removed by the operator alone, and by itself when it is old', async () => {
    const [one, old] = [(await submit(form())).body.id, (await submit(form())).body.id];
    const tenant = await createTenant(plane);
    const boss = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    const remove = (id: string, token = ADMIN_TOKEN): Promise<ApiResponse> => plane.request('POST', '/api/v1/intake/removals', { token, body: { submission_id: id } });
    expect((await remove(one, boss.token)).status).toBe(403);
    expect([(await remove(one)).status, (await remove(one)).status, (await convert(one)).status]).toEqual([204, 404, 404]);
    await withAdmin((admin) => admin.query(`update intake_submissions set created_at = now() - interval '366 days' where id = $1`, [old]), plane.database.name);
    await plane.app.get(IntakeCleaner).clean();
    expect((await list('?status=new&limit=100')).items.map(({ id }) => id)).not.toContain(old);
  });

  it('leaves nothing behind when a part is refused', async () => {
    const taken = await createUser(plane, { role: 'user' });
    const { id } = (await submit(form({ email: taken.email }))).body;
    const slug = unique('half');
    expect((await convert(id, { slug })).body).toMatchObject({ code: 'email_taken' });
    expect((await plane.request('GET', `/api/v1/agents?tenant_id=${slug}`, { token: ADMIN_TOKEN })).status).toBe(404);
    expect((await list('?status=new')).items.map((item) => item.id)).toContain(id);
    expect((await convert('0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00')).status).toBe(404);
    expect((await convert(id, { password: 'short' })).body).toMatchObject({ code: 'weak_password' });
  });
});
