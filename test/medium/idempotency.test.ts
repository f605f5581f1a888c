import { openAnswer } from '../../src/platform/crypto/sealed-answer.js';
import { withAdmin } from '../support/databases.js';
import { unique } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

/** What goes wrong in the database between a request and its stored answer. */
describe('a request with an Idempotency-Key', () => {
  let plane: Plane;
  beforeAll(async () => {
    plane = await startPlane();
    await ask('create sequence calls');
  });
  afterAll(() => plane.stop());
  afterEach(() => ask('drop trigger if exists fault on idempotency_keys; alter sequence calls restart'));

  const ask = <T extends object>(text: string) => withAdmin(async (admin) => (await admin.query<T>(text)).rows, plane.database.name);
  const fault = (when: string, condition: string, action: string) =>
    ask(`create or replace function fault() returns trigger security definer set search_path = public language plpgsql as
         $$ begin if nextval('calls') ${condition} then ${action}; end if; return null; end $$;
         create trigger fault after ${when} on idempotency_keys for each statement execute function fault()`);
  const states = async () => (await ask<{ state: string }>('select state from idempotency_keys where created_at = (select max(created_at) from idempotency_keys)')).map(({ state }) => state);
  const createUser = (key: string, email: string, role = 'user') =>
    plane.request('POST', '/api/v1/admin/users', { token: ADMIN_TOKEN, headers: { 'idempotency-key': key }, body: { email, full_name: 'A Person', role, password: 'a long enough password' } });
  const createTask = (key: string) => plane.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, headers: { 'idempotency-key': key }, body: { title: 'Once' } });

  it('that was done is answered so, and not done again, when its answer could not be stored', async () => {
    await fault('update', '> 0', `raise exception 'the disk is full' using errcode = '53100'`);
    const [key, email] = [unique('key'), `${unique('outside')}@example.com`];
    expect((await createUser(key, email)).status).toBe(201);
    expect(await states()).toEqual(['running']);
    expect((await createUser(key, email)).body['code']).toBe('idempotency_in_progress');
  });

  it('that was refused is answered so when that could not be stored', async () => {
    await fault('update', '> 0', `raise exception 'the disk is full' using errcode = '53100'`);
    expect((await createUser(unique('key'), 'nobody@example.com', 'no such role')).status).toBe(400);
  });

  it('stores its answer at a later try', async () => {
    await fault('update', '<= 2', `raise exception 'the disk is full' using errcode = '53100'`);
    const [key, email] = [unique('key'), `${unique('outside')}@example.com`];
    const first = await createUser(key, email);
    expect(first.status).toBe(201);
    const again = await createUser(key, email);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body).toEqual(first.body);
  });

  it('leaves nothing in a dump that its key opens, should somebody guess that', async () => {
    const key = unique('1');
    const made = await plane.request('POST', '/api/v1/agents', { token: ADMIN_TOKEN, headers: { 'idempotency-key': key }, body: { name: 'A' } });
    const again = await plane.request('POST', '/api/v1/agents', { token: ADMIN_TOKEN, headers: { 'idempotency-key': key }, body: { name: 'A' } });
    expect(again.body['token']).toBe(made.body['token']);
    const [row] = await ask<{ key_hash: Buffer; body: Buffer }>('select key_hash, body from idempotency_keys order by created_at desc limit 1');
    for (let start = 0; start <= 64; start += 1) expect(() => openAnswer(row!.body.subarray(start), key, row!.key_hash)).toThrow();
    // Under the answer of another request nothing opens either.
    await createTask(unique('key'));
    await ask(`update idempotency_keys set body = (select body from idempotency_keys order by created_at desc limit 1) where key_hash = '\\x${row!.key_hash.toString('hex')}'`);
    expect((await plane.request('POST', '/api/v1/agents', { token: ADMIN_TOKEN, headers: { 'idempotency-key': key }, body: { name: 'A' } })).status).toBe(500);
  });

  it('is the first when the row of the one before vanishes under its hands', async () => {
    const key = unique('key');
    const before = await createTask(key);
    await fault('insert', '= 1', 'delete from idempotency_keys');
    const first = await createTask(key);
    expect(first.status).toBe(201);
    expect(first.body['id']).not.toBe(before.body['id']);
    expect((await createTask(key)).body['id']).toBe(first.body['id']);
  });
});
