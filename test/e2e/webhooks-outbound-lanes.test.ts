import type { ServerResponse } from 'node:http';
import { CLAIM } from '../../src/channels/webhooks/delivery-statements.js';
import { WebhooksCleaner } from '../../src/channels/webhooks/webhooks.cleaner.js';
import { newId } from '../../src/core/ids.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { WebhookCalls } from '../../src/platform/webhooks/webhook-calls.port.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createTenant, createUser, ok, type SignedIn, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse } from '../support/requests.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';
import { signersOf, WebhookReceiver } from '../support/webhook-receiver.js';

interface Hook {
  id: string;
  secret: string;
  pending: number;
}
interface Delivery {
  id: string;
  status: string;
  type: string;
  attempt_count: number;
  next_attempt_at: string | null;
  waiting_for: string | null;
}

let receiver: WebhookReceiver;
let admin: SignedIn;
let paths = 0;
const path = (): string => `/lane-${(paths += 1)}`;

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

const call = <T = Record<string, unknown>>(method: string, at: string, body?: unknown, on = plane, token = admin.token): Promise<ApiResponse<T>> => on.request<T>(method, `/api/v1${at}`, { token, ...(body === undefined ? {} : { body }) });
const subscribe = (at: string, fields: Record<string, unknown> = {}): Promise<Hook> => ok(call<Hook>('POST', '/webhooks', { url: receiver.url + at, events: ['task.created'], ...fields }));
const send = (hook: Hook, n: number, fields: Record<string, unknown> = {}, on = plane): Promise<Delivery> => ok(call<Delivery>('POST', `/webhooks/${hook.id}/deliveries`, { type: 'test.message', data: { n, ...fields } }, on));
const deliveries = async (hook: Hook, query = ''): Promise<Delivery[]> => (await ok(call<{ items: Delivery[] }>('GET', `/webhooks/${hook.id}/deliveries${query}`))).items;
const numbers = (at: string): unknown[] => receiver.at(at).map(({ body }) => body.data['n']);
const sql = async <T extends object>(statement: string, values: unknown[] = []): Promise<T[]> => withAdmin(async (client) => (await client.query(statement, values)).rows as T[], plane.database.name);

/** Answers nothing until it is told to. */
function held(at: string): ServerResponse[] {
  const waiting: ServerResponse[] = [];
  receiver.answer(at, (_message, response) => void waiting.push(response));
  return waiting;
}

describe('messages to one receiver', () => {
  it('are under way so many at once and no more, whichever process sends, and one that hangs holds up no other', async () => {
    const [slow, quick] = [path(), path()];
    const waiting = held(slow);
    const [hanging, other] = [await subscribe(slow, { max_concurrent: 2 }), await subscribe(quick)];
    await Promise.all(Array.from({ length: 8 }, (_, n) => send(hanging, n, {}, n % 2 === 0 ? plane : second)));
    await eventually(() => waiting.length === 2);
    for (let n = 0; n < 10; n += 1) await send(other, n, {}, n % 2 === 0 ? second : plane);
    await eventually(() => receiver.at(quick).length === 10);
    expect([waiting.length, receiver.most.get(slow)]).toEqual([2, 2]);
    receiver.answer(slow, 200);
    waiting.forEach((response) => response.end());
    await eventually(() => receiver.at(slow).length === 8);
    expect(receiver.most.get(slow)).toBe(2);
  });

  it('leave it alone for a while when it takes none of them, and go on when it does', async () => {
    const at = path();
    receiver.answer(at, 500);
    const hook = await subscribe(at, { is_enabled: false });
    await ok(call('PATCH', `/webhooks/${hook.id}`, { is_enabled: true }));
    for (let n = 0; n < 40; n += 1) await send(hook, n);
    const standing = (): Promise<{ failures: number; rests: boolean }[]> => sql(`select failures, holder is null and wake_at > now() + interval '2 seconds' as rests from webhook_lanes where webhook_id = $1`, [hook.id]);
    await eventually(async () => (await standing())[0]?.rests);
    const tried = receiver.at(at).length;
    expect(tried).toBeGreaterThanOrEqual(5);
    expect(tried).toBeLessThan(40);
    receiver.answer(at, 200);
    await sql(`with due as (update webhook_deliveries set due_at = now() where webhook_id = $1 and status = 'pending') update webhook_lanes set wake_at = now() where webhook_id = $1`, [hook.id]);
    await eventually(async () => (await ok(call<Hook>('GET', `/webhooks/${hook.id}`))).pending === 0);
    expect([new Set(numbers(at)).size, (await standing())[0]?.failures]).toEqual([40, 0]);
  });

  it('that have one order key arrive in their order, also past one that fails; others do not wait for them', async () => {
    const at = path();
    let fails = true;
    receiver.answer(at, ({ body }, response) => void response.writeHead(fails && body.data['n'] === 1 ? 500 : 200).end());
    const hook = await subscribe(at, { order_by: 'key', max_concurrent: 8 });
    for (let n = 0; n < 6; n += 1) await send(hook, n, { key: 'a' });
    for (let n = 10; n < 13; n += 1) await send(hook, n, { key: 'b' });
    await send(hook, 20);
    await eventually(() => [12, 20].every((n) => numbers(at).includes(n)) && numbers(at).includes(1));
    await eventually(async () => (await deliveries(hook)).some(({ attempt_count: count, status }) => count === 1 && status === 'pending'));
    expect(numbers(at).filter((n) => Number(n) < 10)).toEqual([0, 1]);
    expect(numbers(at).filter((n) => Number(n) >= 10 && Number(n) < 20)).toEqual([10, 11, 12]);
    fails = false;
    await sql(`with due as (update webhook_deliveries set due_at = now() where webhook_id = $1 and due_at is not null) update webhook_lanes set wake_at = now() where webhook_id = $1`, [hook.id]);
    await eventually(() => numbers(at).includes(5));
    expect(numbers(at).filter((n) => Number(n) < 10)).toEqual([0, 1, 1, 2, 3, 4, 5]);
  });

  it('go on within seconds when the process that sent them has died, and stay with one that lives', async () => {
    const [lost, kept] = [path(), path()];
    const hooks = [await subscribe(lost), await subscribe(kept)];
    for (const at of [lost, kept]) receiver.answer(at, 500);
    for (const hook of hooks) await send(hook, 1);
    await eventually(async () => (await sql(`select 1 from webhook_lanes where tenant_id = $1 and failures = 1 and holder is null`, [admin.tenantId])).length === 2);
    const [dead, alive] = [newId(), newId()];
    await sql(`insert into processes (id, role, seen_at) values ($1, 'all', now() - interval '1 minute'), ($2, 'all', now() + interval '1 minute')`, [dead, alive]);
    await sql(`update webhook_deliveries set due_at = now() where tenant_id = $1`, [admin.tenantId]);
    for (const [index, holder] of [dead, alive].entries()) await sql(`update webhook_lanes set holder = $2, lease_until = now() + interval '10 minutes', wake_at = now() + interval '10 minutes' where webhook_id = $1`, [hooks[index]!.id, holder]);
    for (const at of [lost, kept]) receiver.answer(at, 200);
    await eventually(() => receiver.at(lost).length === 2, 10_000);
    expect(receiver.at(kept)).toHaveLength(1);
    await sql('delete from processes where id = any($1)', [[dead, alive]]);
  });

  it('of a tenant with many receivers leave lanes to the others', async () => {
    const { id: other } = await createTenant(plane);
    const claimed = await withAdmin(async (client) => {
      await client.query('begin');
      await client.query(`insert into webhook_lanes (tenant_id, id, wake_at) select $1, 'url:' || n, now() - interval '1 hour' from generate_series(1, 150) as n`, [admin.tenantId]);
      await client.query(`insert into webhook_lanes (tenant_id, id, wake_at) values ($1, 'url:late', now() - interval '1 second')`, [other]);
      const claim = async (most: number, enoughOf: string[]): Promise<string[]> => (await client.query<{ tenant_id: string }>(CLAIM, [newId(), most, true, enoughOf, 100])).rows.map(({ tenant_id }) => tenant_id);
      const rounds = [await claim(2, []), await claim(500, []), await claim(500, [admin.tenantId])];
      await client.query('rollback');
      return rounds;
    }, plane.database.name);
    const count = (ids: string[] | undefined, id: string): number => ids?.filter((each) => each === id).length ?? 0;
    expect(claimed.map((ids) => [count(ids, admin.tenantId), count(ids, other)])).toEqual([[1, 1], [100, 0], [0, 0]]);
  });

  it('of one key of its sender are one message, however often it is sent', async () => {
    const at = path();
    const hook = await subscribe(at);
    const body = { type: 'test.message', data: { n: 1 }, key: 'release-1' };
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => ok(call<Delivery>('POST', `/webhooks/${hook.id}/deliveries`, body, index % 2 === 0 ? plane : second))));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    await eventually(async () => (await deliveries(hook, '?status=delivered')).length === 1);
    expect(receiver.at(at)).toHaveLength(1);
  });
});

describe('a subscription that is to be sent nothing more', () => {
  const stops: [string, (hook: Hook) => Promise<unknown>][] = [
    ['disabled', (hook) => ok(call('PATCH', `/webhooks/${hook.id}`, { is_enabled: false }, second))],
    ['deleted', (hook) => ok(call('DELETE', `/webhooks/${hook.id}`, undefined, second))],
    ['of a suspended tenant', () => ok(call('POST', `/tenants/${admin.tenantId}/suspend`, { reason: 'test' }, second, ADMIN_TOKEN))],
  ];

  it.each(stops)('since it is %s: what is under way ends, what waits for its next try is not tried', async (_what, stop) => {
    const [at, failing] = [path(), path()];
    const waiting = held(at);
    receiver.answer(failing, 500);
    const [hook, waits] = [await subscribe(at, { max_concurrent: 1 }), await subscribe(failing)];
    for (let n = 0; n < 3; n += 1) await send(hook, n);
    await send(waits, 0);
    await eventually(() => waiting.length === 1 && receiver.at(failing).length === 1);
    let cut = false;
    waiting[0]!.on('close', () => (cut = true));
    await stop(hook);
    await stop(waits);
    await eventually(() => cut);
    await sql(`with due as (update webhook_deliveries set due_at = now() where tenant_id = $1 and due_at is not null) update webhook_lanes set wake_at = now() where tenant_id = $1`, [admin.tenantId]);
    // Another tenant's message goes its way meanwhile: the senders have looked.
    const [witness, mark] = [await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id }), path()];
    const seen = await ok(call<Hook>('POST', '/webhooks', { url: receiver.url + mark, events: ['task.created'] }, plane, witness.token));
    for (let n = 0; n < 3; n += 1) await ok(call('POST', `/webhooks/${seen.id}/deliveries`, { type: 'test.message', data: { n } }, n % 2 === 0 ? plane : second, witness.token));
    await eventually(() => receiver.at(mark).length === 3);
    expect([receiver.at(at).length, receiver.at(failing).length]).toEqual([1, 1]);
  });

  it('is sent what waited once it is enabled again, or its tenant goes on; what happened meanwhile it is not', async () => {
    const at = path();
    receiver.answer(at, 500);
    const hook = await subscribe(at);
    await send(hook, 1);
    await eventually(() => receiver.at(at).length === 1);
    await ok(call('PATCH', `/webhooks/${hook.id}`, { is_enabled: false }, second));
    expect((await call<{ code: string }>('POST', `/webhooks/${hook.id}/deliveries`, { type: 'test.message', data: {} })).body.code).toBe('webhook_disabled');
    // Nor is it told by a message that something happened which did not.
    for (const type of ['task.created', 'webhook.test']) expect((await call<{ errors: { field: string }[] }>('POST', `/webhooks/${hook.id}/deliveries`, { type, data: {} })).body.errors).toMatchObject([{ field: 'type' }]);
    await ok(call('POST', '/tasks', { title: 'meanwhile' }));
    receiver.answer(at, 200);
    await sql(`update webhook_deliveries set due_at = now() where webhook_id = $1`, [hook.id]);
    await eventually(async () => (await sql(`select 1 from event_consumers c where name = 'webhooks' and (tx, seq) >= (select tx, seq from events where tenant_id = $1 and name = 'task.created' order by tx desc, seq desc limit 1)`, [admin.tenantId])).length === 1);
    await ok(call('PATCH', `/webhooks/${hook.id}`, { is_enabled: true }, second));
    await eventually(async () => (await deliveries(hook, '?status=delivered')).length === 1);
    expect(receiver.at(at).map(({ body }) => body.type)).toEqual(['test.message', 'test.message']);
  });

  it('goes on with what is under way when it is told again what it is', async () => {
    const at = path();
    const waiting = held(at);
    const hook = await subscribe(at);
    await send(hook, 1);
    await eventually(() => waiting.length === 1);
    await ok(call('PATCH', `/webhooks/${hook.id}`, { is_enabled: true, url: receiver.url + at }, second));
    waiting[0]!.end();
    await eventually(async () => (await deliveries(hook, '?status=delivered')).length === 1);
    expect(receiver.at(at)).toHaveLength(1);
  });

  it('and is sent elsewhere goes there from the answer on', async () => {
    const [at, elsewhere] = [path(), path()];
    const waiting = held(at);
    const hook = await subscribe(at, { max_concurrent: 1 });
    for (let n = 0; n < 3; n += 1) await send(hook, n);
    await eventually(() => waiting.length === 1);
    await ok(call('PATCH', `/webhooks/${hook.id}`, { url: receiver.url + elsewhere }, second));
    await eventually(() => receiver.at(elsewhere).length === 3);
    expect([receiver.at(at).length, numbers(elsewhere)]).toEqual([1, [0, 1, 2]]);
  });
});

describe('the way of a message', () => {
  it('is the way of a test: signed, kept, tried once', async () => {
    const at = path();
    const hook = await subscribe(at);
    const answer = await ok(call<Delivery & { attempts: { status: number }[] }>('POST', `/webhooks/${hook.id}/test`));
    expect(answer).toMatchObject({ type: 'webhook.test', status: 'delivered', attempts: [{ status: 200 }] });
    expect(signersOf(receiver.at(at)[0]!, [hook.secret])).toEqual([hook.secret]);
    receiver.answer(at, 503);
    expect(await ok(call<Delivery>('POST', `/webhooks/${hook.id}/test`))).toMatchObject({ status: 'dead', attempt_count: 1 });
    const foreign = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
    expect((await call('POST', `/webhooks/${hook.id}/test`, undefined, plane, foreign.token)).status).toBe(404);
    // Who may do it no more while the receiver hangs is not told how it ends.
    const waiting = held(at);
    const leaver = await createUser(plane, { role: 'admin', tenant: admin.tenantId });
    const asked = call('POST', `/webhooks/${hook.id}/test`, undefined, plane, leaver.token);
    await eventually(() => waiting.length === 1);
    await ok(call('PATCH', `/admin/users/${leaver.id}`, { is_active: false }, second));
    expect((await asked).status).toBe(401);
  });

  it('is barred by an open circuit breaker, which counts as no try, until the breaker closes', async () => {
    const at = path();
    const hook = await subscribe(at);
    const name = unique('breaker');
    await ok(call('POST', '/circuit-breakers', { name, target: `host:${new URL(receiver.url).host}` }));
    await ok(call('POST', `/circuit-breakers/${name}/force-open`, {}));
    await send(hook, 1);
    const barred = await eventually(async () => (await deliveries(hook)).find(({ waiting_for: reason }) => reason !== null));
    expect(barred).toMatchObject({ status: 'pending', waiting_for: 'circuit_open', attempt_count: 0 });
    expect(receiver.at(at)).toEqual([]);
    await ok(call('POST', `/circuit-breakers/${name}/reset`, {}));
    await ok(call('POST', `/webhooks/${hook.id}/deliveries/${barred.id}/redeliver`));
    await eventually(() => receiver.at(at).length === 1);
    expect(await eventually(async () => (await deliveries(hook, '?status=delivered'))[0])).toMatchObject({ attempt_count: 1, waiting_for: null });
  });

  it('is open to other parts of the plane: by a webhook or an address, once for each key, in their transaction', async () => {
    const [at, bare] = [path(), path()];
    const hook = await subscribe(at);
    const secret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD1yKk5bM8a2E=';
    const as = <T>(work: (calls: WebhookCalls) => Promise<T>): Promise<T> => plane.app.get(RequestContext).runAsSystem(admin.tenantId, 'test', () => work(plane.app.get<WebhookCalls>(WebhookCalls)));
    const order = { type: 'order.created', data: { n: 7 }, key: 'order-7' };
    const ids = await Promise.all([1, 2, 3].map(() => as((calls) => calls.call({ webhookId: hook.id, ...order }))));
    const bareIds = [await as((calls) => calls.call({ url: receiver.url + bare, secret, ...order })), await as((calls) => calls.call({ url: receiver.url + bare, secret, ...order }))];
    expect([new Set(ids.map(({ deliveryId }) => deliveryId)).size, new Set(bareIds.map(({ deliveryId }) => deliveryId)).size]).toEqual([1, 1]);
    await eventually(() => receiver.at(at).length === 1 && receiver.at(bare).length === 1);
    expect([signersOf(receiver.at(at)[0]!, [hook.secret]), signersOf(receiver.at(bare)[0]!, [secret]), receiver.at(bare)[0]!.body]).toEqual([[hook.secret], [secret], expect.objectContaining({ id: 'order-7', type: 'order.created', data: { n: 7 } })]);
    expect((await ok(call<{ total: number }>('GET', '/webhook-deliveries'))).total).toBe(2);
    for (const wrong of [{ webhookId: crypto.randomUUID() }, { url: 'http://10.0.0.1/' }, {}, { webhookId: hook.id, url: receiver.url }]) await expect(as((calls) => calls.call({ ...wrong, ...order }))).rejects.toMatchObject({ code: expect.stringMatching(/^(not_found|egress_refused|unprocessable)$/) });
  });

  it('is forgotten when it has been kept for long enough, and not before it has ended', async () => {
    const at = path();
    const hook = await subscribe(at);
    const [old, fresh] = [await send(hook, 1), await send(hook, 2)];
    await eventually(async () => (await deliveries(hook, '?status=delivered')).length === 2);
    receiver.answer(at, 500);
    const waiting = await send(hook, 3);
    await eventually(() => receiver.at(at).length === 3);
    await sql(`update webhook_deliveries set created_at = now() - interval '31 days', ended_at = ended_at - interval '31 days' where id = any($1)`, [[old.id, waiting.id]]);
    await plane.app.get(WebhooksCleaner).clean(new AbortController().signal);
    expect((await deliveries(hook)).map(({ id }) => id).toSorted()).toEqual([fresh.id, waiting.id].toSorted());
  });
});
