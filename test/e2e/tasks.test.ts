import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { claim, createAgent, createTask, createTenant, createUser, type TestTask } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

const ABSENT = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00';

describe('tasks', () => {
  let plane: Plane;
  beforeAll(async () => {
    plane = await startPlane();
  });
  afterAll(() => plane.stop());

  it('are created queued, read with their details, and found by every documented filter', async () => {
    const agent = await createAgent(plane);
    const made = await createTask(plane, { title: 'Find me 100%_sure', priority: 'high', agent_id: agent.id, description: 'd', instructions: 'i', payload: { a: [1] }, max_retries: 1 });
    expect(made).toMatchObject({ status: 'queued', priority: 'high', agent_id: agent.id, payload: { a: [1] }, attempts: 0, retry_count: 0, fence: 0, revision: 1, created_by: 'bootstrap:bootstrap-admin' });
    const read = await plane.request('GET', `/api/v1/tasks/${made.id}`, { token: ADMIN_TOKEN });
    expect(read.body).toMatchObject({ id: made.id, depends_on: [], attempt_history: [], subtask_ids: [], comment_count: 0 });
    expect(read.headers.get('etag')).toBe(`"${made.id}.1"`);
    for (const query of [`status_filter=queued&agent_id=${agent.id}`, `status=pending&agent_id=${agent.id}`, `priority=high&agent_id=${agent.id}`, 'search=100%25_SURE']) {
      const list = await plane.request<{ items: TestTask[]; total: number }>('GET', `/api/tasks?${query}`, { token: ADMIN_TOKEN });
      expect([query, list.body.total, list.body.items.map(({ id }) => id)]).toEqual([query, 1, [made.id]]);
    }
    expect((await plane.request('GET', '/api/v1/tasks?deadline_exceeded=1', { token: ADMIN_TOKEN })).status).toBe(400);
    const none = await plane.request<{ total: number }>('GET', `/api/v1/tasks?status=completed&agent_id=${agent.id}`, { token: ADMIN_TOKEN });
    expect(none.body.total).toBe(0);
  });

  it('are paged by offset and by cursor, newest first', async () => {
    const parent = await createTask(plane);
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) ids.unshift((await createTask(plane, { parent_task_id: parent.id })).id);
    type List = { items: TestTask[]; total: number; next_cursor: string | null };
    const get = async (query: string): Promise<List> => (await plane.request<List>('GET', `/api/v1/tasks?parent_task_id=${parent.id}&${query}`, { token: ADMIN_TOKEN })).body;
    expect((await get('limit=2&offset=2')).items.map(({ id }) => id)).toEqual(ids.slice(2, 4));
    const first = await get('limit=2');
    const second = await get(`limit=2&cursor=${first.next_cursor ?? ''}`);
    const third = await get(`limit=2&cursor=${second.next_cursor ?? ''}`);
    expect([...first.items, ...second.items, ...third.items].map(({ id }) => id)).toEqual(ids);
    expect([first.total, third.next_cursor]).toEqual([5, null]);
    for (const cursor of ['x', 'W10', 'WyJ4Il0']) {
      expect((await plane.request('GET', `/api/v1/tasks?cursor=${cursor}`, { token: ADMIN_TOKEN })).status).toBe(400);
    }
  });

  it('refuse bad input by field, with nothing of the value', async () => {
    const cases: [Record<string, unknown>, string][] = [
      [{}, 'title'],
      [{ title: '' }, 'title'],
      [{ title: 'x'.repeat(501) }, 'title'],
      [{ title: 'x', priority: 'urgent' }, 'priority'],
      [{ title: 'x', agent_id: 'nope' }, 'agent_id'],
      [{ title: 'x', agent_id: ABSENT }, 'agent_id'],
      [{ title: 'x', board_id: ABSENT }, 'board_id'],
      [{ title: 'x', depends_on: [ABSENT] }, 'depends_on.0'],
      [{ title: 'x', deadline: 'tomorrow' }, 'deadline'],
      [{ title: 'x', deadline: '2027-W05-1' }, 'deadline'],
      [{ title: 'x', deadline: '2027-365' }, 'deadline'],
      [{ title: 'x', max_retries: 1.5 }, 'max_retries'],
      [{ title: 'x', status: 'completed' }, 'status'],
      [{ title: 'x', payload: 'y'.repeat(300_000) }, 'payload'],
      [{ title: 'x', fence: 7 }, 'fence'],
      [{ title: 'x\u0000y' }, 'title'],
      [{ title: '\ud800' }, 'title'],
      [{ title: ' \t\n ' }, 'title'],
      [{ title: 'x', payload: { a: ['\u0000'] } }, 'payload.a.0'],
    ];
    for (const [body, field] of cases) {
      const answer = await plane.request<{ errors: { field: string }[] }>('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body });
      expect([answer.status, answer.body.errors[0]?.field ?? '']).toEqual([400, field]);
    }
  });

  it('say first of a field that it is of the wrong kind', async () => {
    const { body } = await plane.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title: 7, max_retries: 'many' } });
    expect(body['detail']).toBe('title must be a string');
    const errors = body['errors'] as { field: string; code: string }[];
    expect(errors.find(({ field }) => field === 'max_retries')).toMatchObject({ code: 'isInt' });
  });

  it('keep what was sent, or nothing: no number beyond all numbers, no byte that is no character', async () => {
    const endless = await plane.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: '{"title":"x","payload":{"a":[1e400]}}' });
    expect([endless.status, endless.body['errors']]).toMatchObject([400, [{ field: 'payload.a.0', code: 'number' }]]);
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
    const send = (title: Buffer): Promise<Response> =>
      fetch(`${plane.url}/api/v1/tasks`, { method: 'POST', headers, body: Buffer.concat([Buffer.from('{"title":"'), title, Buffer.from('"}')]) });
    const broken = await send(Buffer.from([0x63, 0xff, 0x66]));
    expect([broken.status, await broken.json()]).toMatchObject([400, { code: 'malformed_json', detail: 'The body is not UTF-8.' }]);
    expect(await (await send(Buffer.from('süß'))).json()).toMatchObject({ title: 'süß' });
  });

  it('change under If-Match, keep what is left out, and refuse what was read before', async () => {
    const task = await createTask(plane, { description: 'keep', instructions: 'clear' });
    const etag = `"${task.id}.1"`;
    const changed = await plane.request('PATCH', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN, headers: { 'if-match': etag }, body: { title: 'New', instructions: null } });
    expect(changed.body).toMatchObject({ title: 'New', description: 'keep', instructions: null, revision: 2 });
    const stale = await plane.request('PATCH', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN, headers: { 'if-match': etag }, body: { title: 'Late' } });
    expect([stale.status, stale.body['code']]).toEqual([412, 'precondition_failed']);
    const unchanged = await plane.request('GET', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN, headers: { 'if-none-match': `"${task.id}.2"` } });
    expect(unchanged.status).toBe(304);
  });

  it('change nothing undeclared', async () => {
    const task = await createTask(plane);
    for (const field of ['id', 'tenant_id', 'fence', 'attempts', 'claimed_by', 'ready', 'revision', 'result', 'lease_expires_at', 'created_by']) {
      const answer = await plane.request<{ errors: { field: string; code: string }[] }>('PATCH', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN, body: { [field]: 1 } });
      expect([answer.status, answer.body.errors[0]]).toEqual([400, expect.objectContaining({ field, code: 'unknown_field' })]);
    }
  });

  it('that have ended change no more', async () => {
    const task = await createTask(plane);
    await plane.request('POST', `/api/v1/tasks/${task.id}/cancel`, { token: ADMIN_TOKEN, body: {} });
    for (const body of [{ title: 'x' }, { status: 'cancelled', title: 'x' }]) {
      expect((await plane.request('PATCH', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN, body })).body['code']).toBe('task_final');
    }
  });

  it('are cancelled once, and a cancelled task takes its lease away', async () => {
    const { token } = await createUser(plane, { tenant: (await createTenant(plane)).slug });
    const agent = await createAgent(plane, {}, token);
    const task = await createTask(plane, { agent_id: agent.id }, token);
    const [claimed] = await claim(plane, agent);
    const cancelled = await plane.request('POST', `/api/v1/tasks/${task.id}/cancel`, { token, body: { reason: 'no longer needed' } });
    expect(cancelled.body).toMatchObject({ status: 'cancelled', claimed_by: null, cancel_reason: 'no longer needed' });
    const late = await plane.request('POST', `/api/v1/agent/tasks/${task.id}/complete`, { token: agent.token, body: { fence: claimed?.lease.fence } });
    expect([late.status, late.body['code']]).toEqual([409, 'lease_lost']);
    const again = await plane.request('POST', `/api/v1/tasks/${task.id}/cancel`, { token, body: {} });
    expect([again.status, again.body['code']]).toEqual([409, 'task_final']);
  });

  it('answer the queue as the document has it', async () => {
    const { token } = await createUser(plane, { tenant: (await createTenant(plane)).slug });
    const agent = await createAgent(plane, {}, token);
    const task = await createTask(plane, { agent_id: agent.id, max_retries: 0 }, token);
    const queue = await plane.request<{ items: TestTask[] }>('GET', `/api/queue?status=pending&agent_id=${agent.id}`, { token });
    expect(queue.body.items.map(({ id }) => id)).toEqual([task.id]);
    const [claimed] = await claim(plane, agent);
    expect((await plane.request('DELETE', `/api/queue/${task.id}`, { token })).status).toBe(409);
    await plane.request('POST', `/api/v1/agent/tasks/${task.id}/fail`, { token: agent.token, body: { fence: claimed?.lease.fence, error: 'broken' } });
    const failed = await plane.request<{ items: TestTask[] }>('GET', `/api/queue?status=failed&agent_id=${agent.id}`, { token });
    expect(failed.body.items.map(({ status }) => status)).toEqual(['dead_letter']);
    const retried = await plane.request('PATCH', `/api/queue/${task.id}`, { token, body: { action: 'retry' } });
    expect(retried.body).toMatchObject({ status: 'queued', attempts: 0 });
    const removed = await plane.request('DELETE', `/api/queue/${task.id}`, { token });
    expect(removed.body).toMatchObject({ status: 'cancelled' });
  });

  it('of another tenant are as absent ones, to people and agents', async () => {
    const other = await createTenant(plane);
    const foreigner = await createUser(plane, { role: 'admin', tenant: other.slug });
    const task = await createTask(plane, {}, foreigner.token);
    const agent = await createAgent(plane);
    const stranger = await createUser(plane, { role: 'admin' });
    const withoutRequestId = ({ request_id: _, ...rest }: Record<string, unknown>): unknown => rest;
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { title: 'mine' }],
      ['DELETE', '', undefined],
      ['POST', '/cancel', {}],
      ['POST', '/comments', { body: 'hi' }],
      ['GET', '/comments', undefined],
    ] as const) {
      const foreign = await plane.request(method, `/api/v1/tasks/${task.id}${path}`, { token: stranger.token, ...(body ? { body } : {}) });
      const absent = await plane.request(method, `/api/v1/tasks/${ABSENT}${path}`, { token: stranger.token, ...(body ? { body } : {}) });
      expect([foreign.status, withoutRequestId(foreign.body)]).toEqual([404, withoutRequestId(absent.body)]);
    }
    for (const act of ['complete', 'renew', 'release', 'fail']) {
      const body = { fence: 1, ...(act === 'fail' ? { error: 'x' } : {}) };
      expect((await plane.request('POST', `/api/v1/agent/tasks/${task.id}/${act}`, { token: agent.token, body })).status).toBe(404);
    }
    const operator = await plane.request<{ items: TestTask[] }>('GET', `/api/v1/tasks?tenant_id=${other.slug}`, { token: stranger.token });
    expect(operator.body.items.map(({ id }) => id)).toEqual([task.id]);
    const nosy = await plane.request('GET', `/api/v1/tasks?tenant_id=default`, { token: foreigner.token });
    expect(nosy.status).toBe(404);
  });

  it('are counted by status and priority', async () => {
    const { token } = await createUser(plane, { tenant: (await createTenant(plane)).slug });
    await createTask(plane, { priority: 'critical' }, token);
    await createTask(plane, { status: 'inbox' }, token);
    const stats = await plane.request('GET', '/api/v1/tasks/stats', { token });
    expect(stats.body).toMatchObject({ total: 2, by_status: { queued: 1, inbox: 1, completed: 0 }, by_priority: { critical: 1, medium: 1, low: 0 } });
  });

  it('are made once however often one Idempotency-Key comes', async () => {
    const parent = await createTask(plane);
    const body = { title: 'Once', parent_task_id: parent.id };
    const send = (): Promise<ApiResponse> => plane.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, headers: { 'idempotency-key': `once-${parent.id}` }, body });
    const answers = await Promise.all(Array.from({ length: 50 }, send));
    expect(answers.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
    const replay = await send();
    expect([replay.status, replay.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    const list = await plane.request<{ total: number; items: TestTask[] }>('GET', `/api/v1/tasks?parent_task_id=${parent.id}`, { token: ADMIN_TOKEN });
    expect([list.body.total, list.body.items[0]?.id]).toEqual([1, replay.body['id']]);
    const other = await plane.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, headers: { 'idempotency-key': `once-${parent.id}` }, body: { title: 'Another' } });
    expect([other.status, other.body['code']]).toEqual([422, 'idempotency_key_reused']);
  });

  it('are made together when they come together, each for itself: who asked, in which request, and what was wrong', async () => {
    const people = [await createUser(plane), await createUser(plane)];
    const agent = await createAgent(plane);
    const orders = Array.from({ length: 50 }, (_, number) => ({
      person: people[number % 2] as (typeof people)[number],
      requestId: `together-${agent.id}-${number}`,
      body: { title: `Together ${number}`, payload: { number }, required_tools: number % 3 === 0 ? ['b', 'a"{,'] : [], agent_id: number % 5 === 0 ? ABSENT : agent.id },
    }));
    const answers = await Promise.all(
      orders.map(({ person, requestId, body }) => plane.request<TestTask>('POST', '/api/v1/tasks', { token: person.token, headers: { 'x-request-id': requestId }, body })),
    );
    for (const [number, { person, requestId, body }] of orders.entries()) {
      const { status, body: made } = answers[number] as (typeof answers)[number];
      expect([number, status]).toEqual([number, body.agent_id === ABSENT ? 400 : 201]);
      const trail = await plane.request<{ items: object[] }>('GET', `/api/v1/admin/audit?action=task.create&request_id=${requestId}`, { token: ADMIN_TOKEN });
      if (status === 400) expect(trail.body.items).toEqual([]);
      else {
        expect(made).toMatchObject({ title: body.title, payload: body.payload, required_tools: body.required_tools, agent_id: agent.id, created_by: `user:${person.id}` });
        expect(trail.body.items).toMatchObject([{ actor_id: person.id, resource_id: made.id, after: { title: body.title } }]);
      }
    }
    const facts = await plane.app.get(SystemDatabase).query<{ task_id: string; request_id: string }>(
      `select data->>'task_id' as task_id, request_id from events where name = 'task.created' and request_id like $1`,
      [`together-${agent.id}-%`],
    );
    const expected = orders.flatMap(({ requestId }, number) => (answers[number]?.status === 201 ? [{ task_id: answers[number].body.id, request_id: requestId }] : []));
    expect(new Set(facts.map(({ task_id, request_id }) => `${task_id} ${request_id}`))).toEqual(new Set(expected.map(({ task_id, request_id }) => `${task_id} ${request_id}`)));
    expect(facts).toHaveLength(expected.length);
  });

  it('are followed on a stream that resumes', async () => {
    const { id } = await createTask(plane);
    const idIn = (text: string): string | undefined => [...text.matchAll(/^id: (\S+)$/gm)].at(-1)?.[1];
    const open = async (lastId?: string): Promise<{ next: (wanted: RegExp) => Promise<string>; close: () => void }> => {
      const abort = new AbortController();
      const response = await fetch(`${plane.url}/api/v1/tasks/stream?task_id=${id}`, {
        headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...(lastId ? { 'last-event-id': lastId } : {}) },
        signal: abort.signal,
      });
      expect(response.headers.get('content-type')).toMatch('text/event-stream');
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      return {
        next: async (wanted) => {
          while (!wanted.test(text)) text += (await reader?.read())?.value ?? '';
          const message = text;
          text = '';
          return message;
        },
        close: () => abort.abort(),
      };
    };
    const event = /^event: task\.updated\ndata: .*\n\n/m;
    // Cut before its first event, a stream has already said where to go on.
    const cut = await open();
    const place = idIn(await cut.next(/^id: .*\n\n/m));
    expect(place).toMatch(/^\d+-\d+$/);
    cut.close();
    await plane.request('PATCH', `/api/v1/tasks/${id}`, { token: ADMIN_TOKEN, body: { title: 'One' } });
    const stream = await open(place);
    const first = await stream.next(event);
    stream.close();
    await plane.request('POST', `/api/v1/tasks/${id}/cancel`, { token: ADMIN_TOKEN, body: {} });
    const resumed = await open(idIn(first));
    const second = await resumed.next(event);
    expect(second).toContain('"status":"cancelled"');
    expect(second.match(/^data: /gm)).toHaveLength(1);
    resumed.close();
  });
});
