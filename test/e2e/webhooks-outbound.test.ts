import { AddressResolver } from '../../src/platform/egress/address-resolver.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createAgent, createTask, createTenant, createUser, ok, type SignedIn } from '../support/factories.js';
import type { ApiResponse } from '../support/requests.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';
import { type Received, signersOf, WebhookReceiver } from '../support/webhook-receiver.js';

interface Hook {
  id: string;
  url: string;
  secret: string;
  is_enabled: boolean;
  disabled_reason: string | null;
  failing_since: string | null;
  failures: number;
  pending: number;
  dead: number;
  revision: number;
}
interface Delivery {
  id: string;
  key: string;
  status: string;
  attempt_count: number;
  attempts: { number: number; status: number | null; error: string | null; answer: string | null }[];
  next_attempt_at: string | null;
  waiting_for: string | null;
}

let receiver: WebhookReceiver;
let admin: SignedIn;
let paths = 0;
const path = (): string => `/hook-${(paths += 1)}`;

beforeAll(async () => {
  receiver = await new WebhookReceiver().start();
  await startTwo({ EGRESS_ALLOW: '127.0.0.1' }, { EGRESS_ALLOW: '127.0.0.1' });
});
beforeEach(async () => {
  admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
});
afterAll(async () => {
  await stopTwo();
  await receiver.stop();
});

const call = <T = Record<string, unknown>>(method: string, at: string, body?: unknown, token = admin.token, on = plane): Promise<ApiResponse<T>> => on.request<T>(method, `/api/v1${at}`, { token, ...(body === undefined ? {} : { body }) });
const subscribe = (at: string, fields: Record<string, unknown> = {}): Promise<Hook> => ok(call<Hook>('POST', '/webhooks', { url: receiver.url + at, events: ['task.created'], ...fields }));
const sql = (statement: string, values: unknown[] = []): Promise<unknown> => withAdmin((client) => client.query(statement, values), plane.database.name);
const task = (title: string, on = plane): Promise<{ id: string }> => createTask(on, { title }, admin.token);
const arrived = (at: string, count: number): Promise<Received[]> => eventually(() => (receiver.at(at).length >= count ? receiver.at(at) : undefined));
const deliveries = async (hook: Hook, query = ''): Promise<Delivery[]> => (await ok(call<{ items: Delivery[] }>('GET', `/webhooks/${hook.id}/deliveries${query}`))).items;
const settled = (hook: Hook, status: string): Promise<Delivery> => eventually(async () => (await deliveries(hook)).find((delivery) => delivery.status === status));
/** What waits for its next try is due now. */
const hurry = (hook: Hook): Promise<unknown> =>
  sql(`with due as (update webhook_deliveries set due_at = now() where webhook_id = $1 and status = 'pending' and due_at is not null) update webhook_lanes set wake_at = now() where webhook_id = $1`, [hook.id]);

describe('a subscription', () => {
  it('is sent each event that its patterns take, once, signed as Standard Webhooks asks', async () => {
    const at = path();
    const hook = await subscribe(at, { events: ['task.*', 'task.created'] });
    expect(hook.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const made = [await task('one'), await task('two', second)];
    const messages = await arrived(at, 2);
    expect(messages.map(({ body }) => body.data['task_id']).toSorted()).toEqual(made.map(({ id }) => id).toSorted());
    for (const message of messages) {
      expect(signersOf(message, [hook.secret])).toEqual([hook.secret]);
      expect(message.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': message.id });
      expect(message.body).toMatchObject({ type: 'task.created', timestamp: expect.stringMatching(/Z$/) });
    }
    const kept = await deliveries(hook, '?status=delivered');
    expect(kept.map(({ id }) => id).toSorted()).toEqual(messages.map(({ id }) => id).toSorted());
    expect(kept[0]).toMatchObject({ attempt_count: 1, attempts: [{ number: 1, status: 200, error: null, answer: 'ok' }] });
    // The consumer hands the same facts over again, from the beginning of the log.
    await sql(`update event_consumers set tx = 0, seq = 0 where name = 'webhooks'`);
    await task('three');
    await arrived(at, 3);
    expect([receiver.at(at).length, (await deliveries(hook)).length]).toEqual([3, 3]);
  });

  it('does not get what happened before it, what its patterns leave out, or what is another tenant\'s', async () => {
    const at = path();
    await task('before');
    await subscribe(at);
    await createTask(plane, { title: 'elsewhere' });
    await createAgent(plane, { name: 'nobody asked' }, admin.token);
    const last = await task('after');
    await arrived(at, 1);
    expect(receiver.at(at).map(({ body }) => body.data['task_id'])).toEqual([last.id]);
  });

  it('shows its secret when it is made and rotated, and never again; while both hold, both sign', async () => {
    const at = path();
    const hook = await subscribe(at);
    for (const answer of [await call<Hook>('GET', `/webhooks/${hook.id}`), await call<Hook>('PATCH', `/webhooks/${hook.id}`, { name: 'renamed' })]) expect(answer.body.secret).toBe('whsec_********');
    expect((await ok(call<{ items: Hook[] }>('GET', '/webhooks'))).items.map(({ secret }) => secret)).toEqual(['whsec_********']);
    const rotated = await ok(call<Hook>('POST', `/webhooks/${hook.id}/rotate-secret`, { overlap_seconds: 600 }));
    expect(rotated.secret).not.toBe(hook.secret);
    await task('both');
    const [both] = await arrived(at, 1);
    expect(signersOf(both!, [hook.secret, rotated.secret])).toEqual([rotated.secret, hook.secret]);
    const third = await ok(call<Hook>('POST', `/webhooks/${hook.id}/rotate-secret`, { overlap_seconds: 0 }));
    await task('one alone');
    const [, alone] = await arrived(at, 2);
    expect(signersOf(alone!, [hook.secret, rotated.secret, third.secret])).toEqual([third.secret]);
    const audit = JSON.stringify((await call('GET', `/admin/audit?resource_type=webhook&resource_id=${hook.id}`)).body);
    expect(audit).toContain('webhook.rotate_secret');
    const dump = await withAdmin(async (client) => JSON.stringify((await client.query('select w::text, d::text from webhooks w left join webhook_deliveries d on d.webhook_id = w.id')).rows), plane.database.name);
    for (const { secret } of [hook, rotated, third]) for (const place of [audit, dump]) for (const form of [secret, secret.slice(6), Buffer.from(secret).toString('hex')]) expect(place).not.toContain(form);
  });

  it.each([[['nothing.*']], [['task']], [['Task.*']], [['task.created', '*.nothing']]])('is refused with patterns %j, which take nothing', async (events) => {
    const answer = await call<{ code: string; errors: { field: string }[] }>('POST', '/webhooks', { url: receiver.url, events });
    expect([answer.status, answer.body.code, answer.body.errors[0]?.field]).toEqual([422, 'unprocessable', `events.${events.length - 1}`]);
  });

  it('gets what the role of its author may see, and no more by another\'s patterns', async () => {
    const user = await createUser(plane, { role: 'user', tenant: admin.tenantId });
    const answer = await call<{ code: string }>('POST', '/webhooks', { url: receiver.url, events: ['circuit_breaker.*'] }, user.token);
    expect([answer.status, answer.body.code]).toEqual([422, 'unprocessable']);
    const [at, whole] = [path(), path()];
    const all = await subscribe(whole, { events: ['**'] });
    const hook = await subscribe(at, { events: ['circuit_breaker.*', 'task.created'] });
    await ok(call('PUT', `/webhooks/${hook.id}`, { url: `${receiver.url}${at}-elsewhere` }, user.token));
    await ok(call('POST', '/circuit-breakers', { name: 'b', target: 'tool:x' }));
    await ok(call('POST', '/circuit-breakers/b/force-open', {}));
    await task('seen');
    const [seen] = await arrived(`${at}-elsewhere`, 1);
    expect([seen!.body.type, receiver.at(`${at}-elsewhere`).length, receiver.at(at).length]).toEqual(['task.created', 1, 0]);
    // What an administrator's subscription was sent is read by who may see it.
    const opened = await eventually(() => receiver.at(whole).find(({ body }) => body.type === 'circuit_breaker.opened'));
    const read = (token: string, id = opened.id) => call<{ code: string; data: object }>('GET', `/webhooks/${all.id}/deliveries/${id}`, undefined, token);
    expect([(await read(user.token)).body.code, (await read(admin.token)).body.data]).toEqual(['forbidden', opened.body.data]);
    expect((await read(user.token, receiver.at(whole).find(({ body }) => body.type === 'task.created')?.id)).status).toBe(200);
  });

  it('sends a key what its scopes let it see, and nothing more, whatever its owner sees', async () => {
    const keyOf = async (...scopes: string[]): Promise<string> => (await ok(call<{ key: string }>('POST', '/security/api-keys', { name: 'k', scopes: ['webhook:*', ...scopes] }))).key;
    const [bare, tasks] = [await keyOf(), await keyOf('task:read')];
    const body = (...events: string[]): object => ({ url: receiver.url + path(), events });
    expect((await call('POST', '/webhooks', body('task.created'), bare)).body).toMatchObject({ code: 'forbidden', permission: 'task:read' });
    for (const events of [['**'], ['task.*', 'agent.*']]) expect((await call<{ code: string }>('POST', '/webhooks', body(...events), tasks)).body.code).toBe('forbidden');
    const own = await ok(call<Hook>('POST', '/webhooks', body('task.created'), tasks));
    expect((await call<{ code: string }>('PATCH', `/webhooks/${own.id}`, { events: ['**'] }, tasks)).body.code).toBe('forbidden');
    // Nor does it get what another's webhook has sent, by reading it or by having it sent to itself.
    const at = path();
    const all = await subscribe(at, { events: ['task.created', 'board.deleted'] });
    const board = await ok(call<{ id: string }>('POST', '/boards', { name: 'Hidden' }));
    await ok(call('DELETE', `/boards/${board.id}`));
    const [{ id }] = await arrived(at, 1) as [Received];
    expect((await call<{ code: string }>('PATCH', `/webhooks/${all.id}`, { url: receiver.url + path() }, tasks)).body.code).toBe('forbidden');
    await ok(call('PATCH', `/webhooks/${all.id}`, { events: ['task.created'] }));
    await ok(call('PATCH', `/webhooks/${all.id}`, { url: `${receiver.url}${at}-key` }, tasks));
    for (const [method, end] of [['GET', ''], ['POST', '/redeliver']] as const) expect((await call<{ code: string }>(method, `/webhooks/${all.id}/deliveries/${id}${end}`, undefined, tasks)).body.code).toBe('forbidden');
  });

  it('sends nobody what it may not see by being pointed at them: what waits ends, and what has ended is not sent again', async () => {
    const user = await createUser(plane, { role: 'user', tenant: admin.tenantId });
    const at = path();
    receiver.answer(at, 500);
    const hook = await subscribe(at, { events: ['circuit_breaker.*', 'task.created'] });
    await ok(call('POST', '/circuit-breakers', { name: 'b', target: 'tool:x' }));
    await ok(call('POST', '/circuit-breakers/b/force-open', {}));
    await task('seen');
    await eventually(async () => (await deliveries(hook)).filter(({ attempt_count: count }) => count === 1).length === 2);
    await ok(call('PUT', `/webhooks/${hook.id}`, { url: `${receiver.url}${at}-elsewhere` }, user.token, second));
    const [dead] = await deliveries(hook, '?status=dead');
    await hurry(hook);
    await settled(hook, 'delivered');
    const redeliver = (token: string): Promise<ApiResponse<{ code: string }>> => call<{ code: string }>('POST', `/webhooks/${hook.id}/deliveries/${dead!.id}/redeliver`, undefined, token);
    expect((await redeliver(user.token)).body.code).toBe('forbidden');
    expect(await ok(call('POST', `/webhooks/${hook.id}/redeliver`, { since: new Date(Date.now() - 60_000).toISOString() }, user.token))).toEqual({ accepted: 0 });
    expect(receiver.at(`${at}-elsewhere`).map(({ body }) => body.type)).toEqual(['task.created']);
    await ok(call('PUT', `/webhooks/${hook.id}`, { url: `${receiver.url}${at}-back` }));
    await ok(redeliver(user.token));
    expect((await arrived(`${at}-back`, 1))[0]!.body.type).toBe('circuit_breaker.opened');
  });

  it.each(['http://10.0.0.1/', 'http://169.254.169.254/latest', 'http://[::1]:1/', 'http://0x7f.2/', 'ftp://example.com/', 'nonsense', 'http://user:pass@example.com/'])('is refused with the address %s', async (url) => {
    const answer = await call<{ code: string }>('POST', '/webhooks', { url, events: ['task.*'] });
    expect([answer.status, answer.body.code]).toEqual([422, 'egress_refused']);
    const hook = await subscribe(path());
    expect((await call<{ code: string }>('PATCH', `/webhooks/${hook.id}`, { url })).body.code).toBe('egress_refused');
  });
});

describe('a receiver that does not take a message', () => {
  it('is tried again later, with the same id and text, until it does', async () => {
    const at = path();
    let status = 503;
    receiver.answer(at, (_message, response) => void response.writeHead(status, { 'retry-after': '90' }).end('try later'));
    const hook = await subscribe(at);
    await task('again');
    await arrived(at, 1);
    const first = await eventually(async () => (await deliveries(hook)).find(({ attempt_count: count }) => count === 1));
    expect(first).toMatchObject({ status: 'pending', attempts: [{ status: 503, error: 'It was answered with status 503.', answer: 'try later' }] });
    expect(Date.parse(first.next_attempt_at!) - Date.now()).toBeGreaterThan(60_000);
    expect(await ok(call<Hook>('GET', `/webhooks/${hook.id}`))).toMatchObject({ pending: 1, failures: 1, failing_since: expect.any(String) });
    status = 200;
    await hurry(hook);
    await settled(hook, 'delivered');
    const [one, two] = receiver.at(at);
    expect([two!.id, two!.text, signersOf(two!, [hook.secret])]).toEqual([one!.id, one!.text, [hook.secret]]);
    expect(await ok(call<Hook>('GET', `/webhooks/${hook.id}`))).toMatchObject({ pending: 0, failures: 0, failing_since: null });
  });

  it('gets nothing more of it after the last try, until somebody sends it again: one, or all since a time', async () => {
    const at = path();
    receiver.answer(at, 500);
    const hook = await subscribe(at);
    const since = new Date(Date.now() - 60_000).toISOString();
    await task('one');
    await task('two');
    await eventually(async () => (await deliveries(hook)).filter(({ attempt_count: count }) => count === 1).length === 2);
    await sql(`update webhook_deliveries set tries = max_tries - 1 where webhook_id = $1`, [hook.id]);
    await hurry(hook);
    await eventually(async () => (await deliveries(hook, '?status=dead')).length === 2);
    expect((await ok(call<{ items: Delivery[]; total: number }>('GET', '/webhook-deliveries?status=dead'))).total).toBe(2);
    receiver.answer(at, 200);
    const [dead] = await deliveries(hook);
    await ok(call('POST', `/webhooks/${hook.id}/deliveries/${dead!.id}/redeliver`));
    expect(await settled(hook, 'delivered')).toMatchObject({ id: dead!.id, attempt_count: 3 });
    expect((await ok(call<{ accepted: number }>('POST', `/webhooks/${hook.id}/redeliver`, { since: new Date(Date.now() + 1_000).toISOString() }))).accepted).toBe(0);
    expect((await ok(call<{ accepted: number }>('POST', `/webhooks/${hook.id}/redeliver`, { since }))).accepted).toBe(1);
    await eventually(async () => (await deliveries(hook, '?status=delivered')).length === 2);
    // The id is the one that it had: who has it already may know.
    expect(new Set(receiver.at(at).map(({ id }) => id)).size).toBe(2);
  });

  it('and answers 410, or takes nothing for days, is sent nothing more, and the event says so', async () => {
    const [at, witness] = [path(), path()];
    receiver.answer(at, 410);
    const hook = await subscribe(at);
    await subscribe(witness, { events: ['webhook.disabled'] });
    await task('gone');
    await arrived(witness, 1);
    expect(await ok(call<Hook>('GET', `/webhooks/${hook.id}`))).toMatchObject({ is_enabled: false, disabled_reason: 'gone', dead: 1 });
    expect((await call<{ code: string }>('POST', `/webhooks/${hook.id}/test`)).body.code).toBe('webhook_disabled');
    receiver.answer(at, 500);
    await ok(call('PATCH', `/webhooks/${hook.id}`, { is_enabled: true }));
    await task('failing');
    await eventually(async () => (await ok(call<Hook>('GET', `/webhooks/${hook.id}`))).failing_since !== null);
    await sql(`update webhook_lanes set failing_since = now() - interval '6 days' where webhook_id = $1`, [hook.id]);
    await hurry(hook);
    await eventually(async () => (await ok(call<Hook>('GET', `/webhooks/${hook.id}`))).disabled_reason === 'failing');
    await eventually(() => receiver.at(witness).length === 2);
    expect(receiver.at(witness).map(({ body }) => body.data['reason'])).toEqual(['gone', 'failing']);
    const notices = await ok(call<{ items: { type: string; metadata: { reason: string } }[] }>('GET', '/notifications'));
    expect(notices.items.map(({ type, metadata }) => [type, metadata.reason])).toEqual([['webhook_disabled', 'failing'], ['webhook_disabled', 'gone']]);
    const { items } = await ok(call<{ items: { action: string }[] }>('GET', `/admin/audit?resource_type=webhook&resource_id=${hook.id}&action=webhook.disable`));
    expect(items).toHaveLength(2);
  });

  it('shows the first bytes of its answer, without what it was trusted with', async () => {
    const at = path();
    const hook = await subscribe(at);
    receiver.answer(at, (_message, response) => void response.writeHead(500).end(`\0 ${hook.secret} ${hook.secret.slice(6)} ${'x'.repeat(5_000_000)}`));
    await task('echo');
    const { attempts } = await eventually(async () => (await deliveries(hook)).find(({ attempt_count: count }) => count === 1));
    expect(attempts[0]!.answer).toHaveLength(1_024);
    expect(attempts[0]!.answer).not.toContain(hook.secret.slice(6));
    expect(attempts[0]!.status).toBe(500);
  });

  it('is not followed elsewhere, and not called at an address that has become private', async () => {
    const [at, secret] = [path(), path()];
    receiver.answer(at, (_message, response) => void response.writeHead(307, { location: receiver.url + secret }).end());
    const hook = await subscribe(at);
    await task('redirected');
    expect(await eventually(async () => (await deliveries(hook)).find(({ attempt_count: count }) => count === 1))).toMatchObject({ status: 'pending', attempts: [{ status: 307 }] });
    // What a name stands for is asked with each connection: it was one of ours, and is a private one now.
    for (const one of [plane, second]) one.app.get(AddressResolver).addressesOf = () => Promise.resolve(['10.0.0.7']);
    const rebound = await subscribe(path(), { url: `http://rebound.example${secret}` });
    await task('rebound');
    expect(await eventually(async () => (await deliveries(rebound)).find(({ attempt_count: count }) => count === 1))).toMatchObject({ status: 'pending', attempts: [{ status: null, error: expect.stringMatching(/^egress_refused: /) }] });
    expect(receiver.at(secret)).toEqual([]);
  });
});
