import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { RealtimeLimits } from '../../src/channels/realtime/realtime-limits.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createTask, createTenant, createUser, ok, type SignedIn } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';
import { closeSockets, follow, publish, TestSocket } from '../support/socket.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

let limits: RealtimeLimits;
let user: SignedIn;

beforeAll(async () => {
  await startTwo();
  limits = plane.app.get(RealtimeLimits, { strict: false });
  user = await createUser(plane);
});
afterAll(stopTwo);
afterEach(closeSockets);

/** Runs something under other limits. */
async function under(others: Partial<RealtimeLimits>, work: () => Promise<void>): Promise<void> {
  const before = { ...limits };
  Object.assign(limits, others);
  await work().finally(() => Object.assign(limits, before));
}

const open = (query = '', on: Plane = plane, options = {}): Promise<TestSocket> => new TestSocket(on, query, options).opened();
const followed = (token: string, ...patterns: string[]): Promise<TestSocket> => follow(plane, token, ...patterns);

describe('saying who one is', () => {
  it('works with a token in the first message', async () => {
    const socket = await open();
    expect(await socket.ask({ type: 'auth', token: user.token }, 'authenticated')).toEqual({ type: 'authenticated' });
    expect(await socket.ask({ type: 'ping' }, 'pong')).toEqual({ type: 'pong' });
  });

  it('works with a token in the query, and in the headers that programs send', async () => {
    for (const [query, headers] of [[`?token=${user.token}`, {}], ['', { authorization: `Bearer ${user.token}` }], [`?token=${encodeURIComponent(ADMIN_TOKEN)}`, {}]] as const) {
      const socket = await open(query, plane, { headers });
      await socket.next('authenticated');
    }
  });

  it('works with an API key that may follow events, and not with one that may not', async () => {
    const key = async (...scopes: string[]): Promise<string> => (await ok(plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: user.token, body: { name: 'k', scopes } }))).key;
    const good = await open(`?token=${await key('event:read', 'task:read')}`);
    await good.next('authenticated');
    expect((await good.ask({ type: 'subscribe', event: 'agent.status' }, 'error')).problem).toMatchObject({ code: 'forbidden', permission: 'agent:read' });
    const bad = await open(`?token=${await key('task:read')}`);
    expect((await bad.end()).code).toBe(4403);
    const agent = await open(`?token=${(await createAgent(plane)).token}`);
    expect((await agent.end()).code).toBe(4403);
  });

  it.each([['no token at all', 'nonsense'], ['a key', 'whk_nonsense'], ['a JWT', 'a.b.c'], ['very long', 'x'.repeat(4000)]])('fails with a wrong token: %s', async (_what, token) => {
    const inMessage = await open();
    inMessage.send({ type: 'auth', token });
    expect(await inMessage.end()).toMatchObject({ code: 4401, reason: expect.stringContaining('unauthenticated') as string });
    expect((await (await open(`?token=${token}`)).end()).code).toBe(4401);
    expect(inMessage.messages).toEqual([]);
  });

  it('must come first and in time', async () => {
    const early = await open();
    early.send({ type: 'subscribe', event: '*' });
    expect((await early.end()).code).toBe(4401);
    await under({ authenticateMs: 100 }, async () => {
      expect(await (await open()).end()).toMatchObject({ code: 4401, reason: expect.stringContaining('in time') as string });
    });
  });

  it('never takes a cookie, answers other paths with a problem, and survives a broken handshake', async () => {
    const cookie = await open('', plane, { headers: { cookie: `session=${user.token}; access_token=${user.token}`, origin: 'https://evil.example' } });
    cookie.send({ type: 'ping' });
    expect((await cookie.end()).code).toBe(4401);
    const answer = await new Promise<{ status?: number; type?: string }>((resolve) => {
      httpRequest(`${plane.url}/elsewhere`, { headers: { connection: 'upgrade', upgrade: 'websocket' } }, (response) => resolve({ status: response.statusCode, type: response.headers['content-type'] })).end();
    });
    expect(answer).toEqual({ status: 404, type: 'application/problem+json; charset=utf-8' });
    const raw = connect(Number(new URL(plane.url).port), '127.0.0.1', () => raw.end('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'));
    raw.resume();
    await new Promise((resolve) => raw.once('close', resolve));
    expect((await plane.request('GET', '/health')).status).toBe(200);
  });

  it('can be done again with a fresh token of the same person alone', async () => {
    const socket = await followed(user.token, 'task.*');
    const fresh = await ok(plane.request<{ access_token: string; refresh_token: string }>('POST', '/api/v1/auth/refresh', { body: { refresh_token: user.refreshToken } }));
    user = { ...user, token: fresh.access_token, refreshToken: fresh.refresh_token };
    await socket.ask({ type: 'auth', token: user.token }, 'authenticated');
    const other = await createUser(plane);
    expect((await socket.ask({ type: 'auth', token: other.token }, 'error')).problem).toMatchObject({ code: 'forbidden' });
    const { id } = await createTask(plane);
    await eventually(() => socket.events.some(({ data }) => data?.['task_id'] === id));
  });
});

describe('events', () => {
  it('arrive in order, in the documented shape, as subscribed to', async () => {
    const [one, family, all] = [await followed(user.token, 'task.completed'), await followed(user.token, 'task.*'), await followed(user.token, '*')];
    const agent = await createAgent(plane);
    const task = await createTask(plane, { agent_id: agent.id });
    const held = (await claim(plane, agent, { max: 100 })).find((one) => one.task.id === task.id);
    await ok(plane.request('POST', `/api/v1/agent/tasks/${task.id}/complete`, { token: agent.token, body: { fence: held?.lease.fence } }));
    const completed = await eventually(() => one.events[0]);
    expect(Object.keys(completed)).toEqual(['type', 'event', 'id', 'occurred_at', 'data']);
    expect(completed).toMatchObject({ type: 'event', event: 'task.completed', data: { task_id: task.id, agent_id: agent.id } });
    expect(new Date(completed.occurred_at ?? '').toISOString()).toBe(completed.occurred_at);
    const namesIn = (socket: TestSocket): (string | undefined)[] => socket.events.filter(({ data }) => data?.['task_id'] === task.id).map(({ event }) => event);
    await eventually(() => namesIn(all).includes('task.completed') && namesIn(family).includes('task.completed'));
    expect(namesIn(family)[0]).toBe('task.created');
    expect(namesIn(family).at(-1)).toBe('task.completed');
    expect(namesIn(all)).toEqual(namesIn(family));
    expect(one.events).toHaveLength(1);
    expect(new Set(all.events.map(({ id }) => id)).size).toBe(all.events.length);
  });

  it('stop after unsubscribe, and come once however often they are subscribed to', async () => {
    const socket = await followed(user.token, 'task.created', 'task.created', 'task.*', '*');
    for (const event of ['task.*', '*']) await socket.ask({ type: 'unsubscribe', event }, 'unsubscribed');
    const first = await createTask(plane);
    // Other tests' agents may have sent something while all events were subscribed to.
    const tasks = (): unknown[] => socket.events.filter(({ event }) => event === 'task.created').map(({ data }) => data?.['task_id']);
    await eventually(() => tasks().length > 0);
    await socket.ask({ type: 'unsubscribe', event: 'task.created' }, 'unsubscribed');
    const witness = await followed(user.token, 'task.created');
    await createTask(plane);
    await eventually(() => witness.events.length > 0);
    expect(tasks()).toEqual([first.id]);
  });

  it.each(['agent.status', 'task.created', 'task.updated', 'task.completed', 'task.failed', 'worker.online', 'worker.offline', 'message.new', 'notification', 'system.alert', 'approval.requested'])('of the kind %s can be followed', async (name) => {
    const socket = await followed(user.token, name);
    await publish(plane, name, { marker: 1 });
    expect(await eventually(() => socket.events.find(({ data }) => data?.['marker'] === 1))).toMatchObject({ event: name });
  });

  it('never reach another tenant', async () => {
    const tenant = await createTenant(plane);
    const theirs = await createUser(plane, { role: 'admin', tenant: tenant.id });
    const [foreign, own] = [await followed(theirs.token, '*'), await followed(user.token, '*')];
    const task = await createTask(plane);
    await eventually(() => own.events.some(({ data }) => data?.['task_id'] === task.id));
    const marker = await createTask(plane, {}, theirs.token);
    await eventually(() => foreign.events.length > 0);
    expect(foreign.events.map(({ data }) => data?.['task_id'])).toEqual([marker.id]);
    expect(own.events.some(({ data }) => data?.['task_id'] === marker.id)).toBe(false);
  });

  it('reach the clients of every process', async () => {
    const there = await follow(second, user.token, 'task.*');
    const here = await followed(user.token, 'task.*');
    const task = await createTask(plane);
    const other = await createTask(second);
    for (const socket of [there, here]) {
      await eventually(() => socket.events.length >= 2);
      expect(socket.events.map(({ data }) => data?.['task_id']).sort()).toEqual([task.id, other.id].sort());
    }
    there.socket.terminate();
  });
});

describe('what is revoked', () => {
  it('closes the socket: logout, in whichever process', async () => {
    const [person, other] = [await createUser(plane), await createUser(plane)];
    const [here, there, bystander] = [await followed(person.token, '*'), await follow(second, person.token, '*'), await followed(other.token, '*')];
    await ok(plane.request('POST', '/api/v1/auth/logout', { token: person.token, body: {} }));
    expect([(await here.end()).code, (await there.end()).code]).toEqual([4401, 4401]);
    expect(bystander.closed).toBeUndefined();
  });

  it('closes the socket: a revoked key, a disabled account, a suspended tenant', async () => {
    const tenant = await createTenant(plane);
    const [person, admin] = [await createUser(plane, { tenant: tenant.id }), await createUser(plane, { role: 'admin', tenant: tenant.id })];
    const key = await ok(plane.request<{ id: string; key: string }>('POST', '/api/v1/security/api-keys', { token: person.token, body: { name: 'k', scopes: ['event:read'] } }));
    const [byKey, byPerson, byAdmin] = [await followed(key.key), await followed(person.token), await followed(admin.token)];
    await ok(plane.request('DELETE', `/api/v1/security/api-keys/${key.id}`, { token: person.token }));
    expect((await byKey.end()).code).toBe(4401);
    await ok(plane.request('PATCH', `/api/v1/admin/users/${person.id}`, { token: admin.token, body: { is_active: false } }));
    expect([4401, 4403]).toContain((await byPerson.end()).code);
    await ok(plane.request('POST', `/api/v1/tenants/${tenant.id}/suspend`, { token: ADMIN_TOKEN, body: {} }));
    expect((await byAdmin.end()).code).toBe(4403);
  });

  it('closes the socket when the credential runs out by itself', () => under({ keepaliveMs: 1_000 }, async () => {
    // Long enough for a pong on a busy machine.
    const key = await ok(plane.request<{ id: string; key: string }>('POST', '/api/v1/security/api-keys', { token: user.token, body: { name: 'k', scopes: ['event:read'] } }));
    const socket = await followed(key.key);
    await plane.app.get(SystemDatabase).query(`update api_keys set expires_at = now() - interval '1 second' where id = $1`, [key.id]);
    expect((await socket.end()).code).toBe(4401);
  }));

  it('takes permissions away at once', async () => {
    const person = await createUser(plane);
    const socket = await followed(person.token, '*');
    await ok(plane.request('PATCH', `/api/v1/admin/users/${person.id}`, { token: ADMIN_TOKEN, body: { role: 'client' } }));
    await createTask(plane);
    await publish(plane, 'system.alert');
    const outcome = await eventually(() => socket.closed ?? socket.events.find(({ event }) => event === 'system.alert'));
    expect(outcome).toBeDefined();
    expect(socket.events.some(({ event }) => event?.startsWith('task.'))).toBe(false);
  });
});

describe('limits', () => {
  it.each([
    ['malformed_json', '{"type":'],
    ['malformed_json', 'hello'],
    ['invalid_request', '[]'],
    ['invalid_request', '{"type":"dance"}'],
    ['invalid_request', '{"type":"subscribe"}'],
    ['invalid_request', '{"type":"subscribe","event":7}'],
    ['invalid_request', '{"type":"subscribe","event":"unknown.thing"}'],
    ['invalid_request', '{"type":"subscribe","event":"task.completed","more":1}'],
    ['invalid_request', Buffer.from([1, 2, 3])],
  ])('a bad message is answered with a problem: %s %s', async (code, message) => {
    const socket = await followed(user.token);
    const answer = await socket.ask(message, 'error');
    expect(answer.problem).toMatchObject({ code, status: 400, request_id: expect.any(String) as string });
    await socket.ask({ type: 'ping' }, 'pong');
  });

  it('closes on a message that is too large or no text, and goes on for the others', async () => {
    const [large, broken, other] = [await followed(user.token), await followed(user.token), await followed(user.token)];
    large.send(JSON.stringify({ type: 'ping', x: 'y'.repeat(70_000) }));
    expect((await large.end()).code).toBe(1009);
    broken.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect((await broken.end()).code).toBe(1007);
    await other.ask({ type: 'ping' }, 'pong');
  });

  it('closes 4429 on too many messages, and on too many connections of one credential', async () => {
    const noisy = await followed(user.token);
    for (let index = 0; index < 100; index += 1) noisy.send({ type: 'ping' });
    expect(await noisy.end()).toMatchObject({ code: 4429, reason: expect.stringContaining('too many messages') as string });
    await under({ mostPerCredential: 2 }, async () => {
      const person = await createUser(plane);
      const [first] = [await followed(person.token), await followed(person.token)];
      const third = await open(`?token=${person.token}`);
      expect(await third.end()).toMatchObject({ code: 4429 });
      first?.socket.close();
      await first?.end();
      await eventually(async () => {
        const again = await open(`?token=${person.token}`);
        return (await eventually(() => again.closed ?? again.messages[0])) === again.messages[0];
      });
      await followed((await createUser(plane)).token);
    });
  });

  it('closes 4429 on too many connections of one address that have not said who they are', () => under({ mostUnknownPerAddress: 3 }, async () => {
    for (let index = 0; index < 3; index += 1) await open();
    expect((await (await open()).end()).code).toBe(4429);
  }));

  it('has a most of subscriptions', () => under({ mostSubscriptions: 2 }, async () => {
    const socket = await followed(user.token, 'task.created', 'task.updated');
    expect((await socket.ask({ type: 'subscribe', event: 'task.failed' }, 'error')).problem).toMatchObject({ code: 'rate_limited', limit: 2 });
    await socket.ask({ type: 'subscribe', event: 'task.created' }, 'subscribed');
  }));

  it('drops a client that reads too slowly, with the reason, and nobody else', async () => {
    const [slow, quick] = [await followed(user.token, 'system.alert'), await followed(user.token, 'system.alert')];
    slow.socket.pause();
    const text = 'x'.repeat(100_000);
    for (let sent = 5; sent <= 200; sent += 5) {
      await publish(plane, 'system.alert', { text }, 5);
      await eventually(() => quick.events.length === sent);
    }
    slow.socket.resume();
    expect(await slow.end(20_000)).toMatchObject({ code: 4408, reason: expect.stringContaining('too slow') as string });
    expect(slow.events.length).toBeLessThan(200);
    expect(quick.closed).toBeUndefined();
  }, 40_000);

  it('drops a peer that gives no sign of life', () => under({ keepaliveMs: 1_000 }, async () => {
    // Long enough for a pong on a busy machine.
    const [dead, alive] = [await open('', plane, { autoPong: false }), await followed(user.token)];
    expect((await dead.end()).code).toBe(1006);
    await alive.ask({ type: 'ping' }, 'pong');
    expect(alive.closed).toBeUndefined();
  }));
});

describe('shutdown', () => {
  it('says goodbye with 1001 and ends promptly, though a client does not answer', async () => {
    const third = await startPlane({ database: plane.database });
    const [polite, frozen] = [await follow(third, user.token, '*'), await follow(third, user.token, '*')];
    frozen.socket.pause();
    const started = performance.now();
    await third.stop();
    expect(performance.now() - started).toBeLessThan(8_000);
    expect((await polite.end()).code).toBe(1001);
    frozen.socket.terminate();
  });
});
