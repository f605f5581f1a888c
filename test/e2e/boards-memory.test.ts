import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { EventStreams } from '../../src/platform/http/sse.js';
import { withAdmin } from '../support/databases.js';
import { TestEventSource } from '../support/event-source.js';
import { eventually } from '../support/eventually.js';
import { createAgent, createBoard, createTenant, createUser, ok } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

type Body = Record<string, unknown>;

describe('the memory of a board', () => {
  let first: Plane;
  let second: Plane;
  const add = (boardId: string, body: Body, plane = first, token = ADMIN_TOKEN): Promise<ApiResponse> => plane.request('POST', `/api/v1/boards/${boardId}/memory`, { token, body });
  const list = (boardId: string, query = ''): Promise<{ items: Body[]; total: number; next_cursor: string | null }> => ok(first.request('GET', `/api/v1/boards/${boardId}/memory?${query}`, { token: ADMIN_TOKEN }));
  const stream = (boardId: string, lastEventId?: string, plane = first, token = ADMIN_TOKEN): Promise<TestEventSource> =>
    TestEventSource.open(plane, `/api/v1/boards/${boardId}/memory/stream`, token, lastEventId);

  beforeAll(async () => {
    first = await startPlane();
    second = await startPlane({ database: first.database });
  });
  afterAll(async () => {
    await second.stop();
    await first.stop();
  });

  it('keeps what people and agents put down, newest first', async () => {
    const agent = await createAgent(first);
    const board = await createBoard(first, {}, [agent]);
    const byPerson = await add(board.id, { content: 'The server is rebuilt at two.', tags: ['staging'], source: 'Handbook' });
    expect(byPerson.status).toBe(201);
    expect(byPerson.body).toMatchObject({ board_id: board.id, content: 'The server is rebuilt at two.', tags: ['staging'], source: 'Handbook', author_kind: 'bootstrap' });
    const byAgent = await first.request('POST', `/api/v1/agent/boards/${board.id}/memory`, { token: agent.token, body: { content: 'Noted.' } });
    expect(byAgent.body).toMatchObject({ author_kind: 'agent', author_id: agent.id, tags: [], source: null });
    expect((await list(board.id)).items).toEqual([byAgent.body, byPerson.body]);
    expect((await list(board.id, 'tag=staging')).items).toEqual([byPerson.body]);
    const page = await list(board.id, 'limit=1');
    expect((await list(board.id, `limit=1&cursor=${page.next_cursor ?? ''}`)).items).toEqual([byPerson.body]);
    const own = await ok(first.request<{ total: number }>('GET', `/api/v1/agent/boards/${board.id}/memory`, { token: agent.token }));
    expect(own.total).toBe(2);
  });

  it.each([[{}], [{ content: '' }], [{ content: ' ' }], [{ content: 'x'.repeat(20_001) }], [{ content: 'x', tags: 'a' }], [{ content: 'x', tags: Array(21).fill('a') }], [{ content: 'x', author_id: 'me' }]])(
    'refuses %j',
    async (body) => {
      const board = await createBoard(first);
      expect((await add(board.id, body)).status).toBe(400);
    },
  );

  it('is closed to agents that are not on the board', async () => {
    const [outsider, board] = [await createAgent(first), await createBoard(first)];
    const absent = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00';
    for (const [method, body] of [['GET', undefined], ['POST', { content: 'x' }]] as const) {
      const ask = (id: string): Promise<ApiResponse> => first.request(method, `/api/v1/agent/boards/${id}/memory`, { token: outsider.token, headers: { 'x-request-id': 'same' }, ...(body ? { body } : {}) });
      const [theirs, none] = [await ask(board.id), await ask(absent)];
      expect(theirs.status).toBe(404);
      expect(theirs.body).toEqual(none.body);
    }
  });

  it('is streamed to whoever follows the board, from every process, and to nobody else', async () => {
    const [board, other] = [await createBoard(first), await createBoard(first)];
    const sources = [await stream(board.id), await stream(board.id, undefined, second)];
    const elsewhere = await stream(other.id);
    const made = [await add(board.id, { content: 'one' }), await add(board.id, { content: 'two' }, second)];
    for (const source of sources) {
      await eventually(() => source.named('memory').length === 2);
      expect(source.named('memory').map(({ data }) => data)).toEqual(made.map(({ body }) => body));
    }
    await add(other.id, { content: 'three' });
    await elsewhere.until('memory');
    expect(elsewhere.named('memory')).toHaveLength(1);
    [...sources, elsewhere].forEach((source) => source.close());
  });

  it('is missed by no client that reconnects, and seen by none twice', async () => {
    const board = await createBoard(first);
    const writers = Promise.all(Array.from({ length: 200 }, (_, i) => add(board.id, { content: `entry ${i}` }, i % 2 ? first : second)));
    const seen: unknown[] = [];
    let lastEventId: string | undefined = '0-0';
    while (seen.length < 200) {
      const source: TestEventSource = await stream(board.id, lastEventId, seen.length % 2 ? first : second);
      await eventually(() => source.named('memory').length >= Math.min(20, 200 - seen.length));
      source.close();
      seen.push(...source.named('memory').map(({ data }) => data['id']));
      lastEventId = source.lastEventId ?? lastEventId;
    }
    const written = (await writers).map(({ body }) => body['id']);
    expect(seen).toHaveLength(200);
    expect(new Set(seen)).toEqual(new Set(written));
  });

  it('starts from now with a Last-Event-ID that is none of ours', async () => {
    const board = await createBoard(first);
    // Now is where the process has read up to: it has read this one when somebody has got it.
    const witness = await stream(board.id);
    await add(board.id, { content: 'before' });
    await witness.until('memory');
    witness.close();
    const source = await stream(board.id, 'x; drop table');
    await add(board.id, { content: 'after' });
    expect((await source.until('memory')).data).toMatchObject({ content: 'after' });
    source.close();
  });

  it('is no longer streamed when the board is deleted', async () => {
    const board = await createBoard(first);
    const source = await stream(board.id, undefined, second);
    await ok(first.request('DELETE', `/api/v1/boards/${board.id}`, { token: ADMIN_TOKEN }));
    expect((await source.until('end')).data).toEqual({ reason: 'gone' });
    await eventually(() => source.ended);
  });

  it('is no longer streamed when the credentials are revoked, in another process too', async () => {
    const tenant = await createTenant(first);
    const admin = await createUser(first, { role: 'admin', tenant: tenant.slug });
    const board = await createBoard(first, {}, [], admin.token);
    const sources = [await stream(board.id, undefined, first, admin.token), await stream(board.id, undefined, second, admin.token)];
    await ok(first.request('POST', `/api/v1/tenants/${tenant.id}/suspend`, { token: ADMIN_TOKEN, body: {} }));
    for (const source of sources) {
      expect((await source.until('end')).data).toEqual({ reason: 'revoked' });
      await eventually(() => source.ended);
    }
    await ok(first.request('POST', `/api/v1/tenants/${tenant.id}/resume`, { token: ADMIN_TOKEN, body: {} }));
    const again = await stream(board.id, undefined, second, admin.token);
    await ok(second.request('POST', '/api/v1/auth/logout', { token: admin.token, body: {} }));
    expect((await again.until('end')).data).toEqual({ reason: 'revoked' });
  });

  it('is no longer streamed when the credentials have run out by themselves', async () => {
    const tenant = await createTenant(first);
    const admin = await createUser(first, { role: 'admin', tenant: tenant.slug });
    const board = await createBoard(first, {}, [], admin.token);
    const body = { name: 'k', scopes: ['board:*'] };
    const [short, long] = [await ok(first.request<{ id: string; key: string }>('POST', '/api/v1/security/api-keys', { token: admin.token, body })), await ok(first.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: admin.token, body }))];
    const [ending, staying] = [await stream(board.id, undefined, first, short.key), await stream(board.id, undefined, first, long.key)];
    await first.app.get(SystemDatabase).query(`update api_keys set expires_at = now() - interval '1 second' where id = $1`, [short.id]);
    await eventually(async () => {
      await first.app.get(EventStreams).lookAgain();
      return ending.ended;
    });
    expect((await ending.until('end')).data).toEqual({ reason: 'revoked' });
    await ok(add(board.id, { content: 'still here' }, first, admin.token));
    expect((await staying.until('memory')).data).toMatchObject({ content: 'still here' });
  });

  it('ends for every client at shutdown', async () => {
    const third = await startPlane({ database: first.database });
    const board = await createBoard(first);
    const source = await stream(board.id, undefined, third);
    await third.stop();
    expect(source.named('end')[0]?.data).toEqual({ reason: 'shutdown' });
  });

  it('answers HEAD without a stream', async () => {
    const board = await createBoard(first);
    const response = await fetch(`${first.url}/api/v1/boards/${board.id}/memory/stream`, { method: 'HEAD', headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  });

  it('drops a client that does not read', async () => {
    const board = await createBoard(first);
    const server = first.app.getHttpServer() as Server;
    const { port, hostname } = new URL(first.url);
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = connect(Number(port), hostname);
    client.on('error', () => client.destroy());
    client.pause();
    const [socket] = await accepted;
    const closed = once(socket, 'close');
    client.write(`GET /api/v1/boards/${board.id}/memory/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n\r\n`);
    await eventually(() => socket.bytesWritten > 0);
    // More than the buffers of both ends take, written at one stroke: 1,000 entries of 20 kB.
    await withAdmin(
      (admin) =>
        admin.query(
          `with made as (
             insert into board_memory (tenant_id, id, board_id, content, author_kind, author_id)
             select tenant_id, gen_random_uuid(), id, repeat('x', 20000), 'test', 'test' from boards, generate_series(1, 1000) where id = $1 returning tenant_id, id, board_id
           )
           insert into events (id, tenant_id, name, data) select gen_random_uuid(), tenant_id, 'board.memory_added', jsonb_build_object('board_id', board_id, 'memory_id', id) from made`,
          [board.id],
        ),
      first.database.name,
    );
    await closed;
    client.destroy();
    const reader = await stream(board.id);
    await add(board.id, { content: 'still here' });
    expect((await reader.until('memory')).data).toMatchObject({ content: 'still here' });
    reader.close();
  });
});
