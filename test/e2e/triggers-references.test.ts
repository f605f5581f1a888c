import { newId } from '../../src/core/ids.js';
import { eventually } from '../support/eventually.js';
import { createAgent, createBoard, createTenant, createUser, ok, type SignedIn, unique } from '../support/factories.js';
import type { ApiResponse, Plane } from '../support/plane.js';
import { startPlane } from '../support/plane.js';
import { step, workflowOf } from '../support/runs.js';
import { publish } from '../support/socket.js';

interface Answer {
  id: string;
  code: string;
  errors: { field: string; code: string }[];
}
interface Firing {
  status: string;
  reason: string | null;
  result: Record<string, unknown> | null;
}

let plane: Plane;
let admin: SignedIn;
let stranger: SignedIn;
beforeAll(async () => {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback', EGRESS_ALLOW: '127.0.0.1' } });
  [admin, stranger] = [await ownerOf(), await ownerOf()];
});
afterAll(() => plane.stop());

const ownerOf = async (): Promise<SignedIn> => createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
const call = (method: string, path: string, body?: unknown): Promise<ApiResponse<Answer>> => plane.request(method, `/api/v1/triggers${path}`, { token: admin.token, body });
const body = (fields: object = {}): object => ({ name: unique('trigger'), type: 'event', config: { event: 'board.memory_added' }, ...fields });
const history = async (id: string): Promise<Firing[]> => (await ok(plane.request<{ items: Firing[] }>('GET', `/api/v1/triggers/${id}/history`, { token: admin.token }))).items;

/** One of each kind that a trigger may name, of somebody's tenant. */
async function thingsOf(owner: SignedIn): Promise<Record<'agent' | 'board' | 'workflow' | 'outbound' | 'inbound' | 'user', string>> {
  const webhook = async (fields: object): Promise<string> => (await ok(plane.request<{ id: string }>('POST', '/api/v1/webhooks', { token: owner.token, body: { name: unique('hook'), ...fields } }))).id;
  return {
    agent: (await createAgent(plane, {}, owner.token)).id,
    board: (await createBoard(plane, {}, [], owner.token)).id,
    workflow: await workflowOf([step('a', 'transform')], {}, owner.tenantId, plane),
    outbound: await webhook({ url: 'http://127.0.0.1:9/', events: ['task.*'] }),
    inbound: await webhook({}),
    user: (await createUser(plane, { tenant: owner.tenantId })).id,
  };
}
type Things = Awaited<ReturnType<typeof thingsOf>>;

/** Every place of a trigger where something is named. */
const PLACES: [field: string, code: string, fields: (things: Things) => object][] = [
  ['action.config.workflow_id', 'unknown_workflow', ({ workflow }) => ({ action: { type: 'execute_workflow', config: { workflow_id: workflow } } })],
  ['action.config.webhook_id', 'unknown_webhook', ({ outbound }) => ({ action: { type: 'call_webhook', config: { webhook_id: outbound } } })],
  ['action.config.agent_id', 'unknown_agent', ({ agent }) => ({ action: { type: 'create_task', config: { title: 'x', agent_id: agent } } })],
  ['action.config.board_id', 'unknown_board', ({ board }) => ({ action: { type: 'create_task', config: { title: 'x', board_id: board } } })],
  ['action.config.to.users.1', 'unknown_user', ({ user }) => ({ action: { type: 'send_notification', config: { title: 'x', to: { users: [admin.id, user] } } } })],
  ['config.webhook_id', 'unknown_webhook', ({ inbound }) => ({ type: 'webhook', config: { webhook_id: inbound }, action: { type: 'create_task', config: { title: 'x' } } })],
];

describe('what a trigger names', () => {
  it.each(PLACES)('at %s has to be there, in its tenant', async (field, code, fields) => {
    const [own, foreign] = [await thingsOf(admin), await thingsOf(stranger)];
    const none = Object.fromEntries(Object.keys(own).map((name) => [name, newId()])) as Things;
    const made = await call('POST', '', body(fields(own)));
    expect(made.status).toBe(201);
    const { type: _type, ...given } = fields(own) as { type?: string };
    for (const things of [none, foreign]) {
      const refused = { status: 422, body: { code: 'unprocessable', errors: [{ field, code }] } };
      expect(await call('POST', '', body(fields(things)))).toMatchObject(refused);
      expect(await call('PUT', `/${made.body.id}`, fields(things))).toMatchObject(refused);
    }
    expect((await call('PUT', `/${made.body.id}`, given)).status).toBe(200);
  });

  it('is said all at once, and in capitals means the same', async () => {
    const { agent, inbound } = await thingsOf(admin);
    const both = await call('POST', '', body({ type: 'webhook', config: { webhook_id: newId() }, action: { type: 'create_task', config: { title: 'x', agent_id: 'nobody', board_id: newId() } } }));
    expect(both.body.errors.map(({ field }) => field).toSorted()).toEqual(['action.config.agent_id', 'action.config.board_id', 'config.webhook_id']);
    const loud = await call('POST', '', body({ type: 'webhook', config: { webhook_id: inbound.toUpperCase() }, action: { type: 'create_task', config: { title: 'x', agent_id: agent.toUpperCase() } } }));
    expect(loud.status).toBe(201);
    await publish(plane, 'webhook.received', { webhook_id: inbound, payload_id: newId(), size: 1 }, 1, admin.tenantId);
    await eventually(async () => (await history(loud.body.id)).some(({ status }) => status === 'fired'));
  });

  it('and is an endpoint that is deleted is said in the history: nothing comes from there any more', async () => {
    const { inbound, outbound } = await thingsOf(admin);
    const waits = (await call('POST', '', body({ type: 'webhook', config: { webhook_id: inbound }, action: { type: 'create_task', config: { title: 'x' } } }))).body.id;
    const any = (await call('POST', '', body({ type: 'webhook', config: {}, action: { type: 'create_task', config: { title: 'x' } } }))).body.id;
    for (const id of [outbound, inbound]) expect((await plane.request('DELETE', `/api/v1/webhooks/${id}`, { token: admin.token })).status).toBe(204);
    const firing = await eventually(async () => (await history(waits))[0]);
    expect([firing.status, firing.reason]).toEqual(['failed', expect.stringMatching(/^not_found: /)]);
    const backtest = await ok(plane.request<object>('POST', `/api/v1/triggers/${waits}/backtest`, { token: admin.token, body: { days: 1 } }));
    expect(backtest).toMatchObject({ matched: 0, failed_filters: 0 });
    expect(await history(any)).toEqual([]);
  });

  it('has to be of the kind that is meant', async () => {
    const { inbound, outbound } = await thingsOf(admin);
    expect((await call('POST', '', body({ action: { type: 'call_webhook', config: { webhook_id: inbound } } }))).body.errors).toMatchObject([{ field: 'action.config.webhook_id', code: 'unknown_webhook' }]);
    expect((await call('POST', '', body({ type: 'webhook', config: { webhook_id: outbound }, action: { type: 'create_task', config: { title: 'x' } } }))).body.errors).toMatchObject([{ field: 'config.webhook_id', code: 'unknown_webhook' }]);
  });

  it('may be what an expression says, which is known when it fires', async () => {
    expect((await call('POST', '', body({ action: { type: 'create_task', config: { title: 'x', agent_id: '{% $event.data.agent_id %}' } } }))).status).toBe(201);
  });

  it('and is deleted later keeps nobody from changing something else, and is a failed firing with its reason', async () => {
    const things = await thingsOf(admin);
    const made = await Promise.all(PLACES.slice(0, 4).map(async ([, , fields]) => (await call('POST', '', body(fields(things)))).body.id));
    const alone = (await call('POST', '', body({ action: { type: 'send_notification', config: { title: 'x', to: { users: [things.user] } } } }))).body.id;
    const some = (await call('POST', '', body({ action: { type: 'send_notification', config: { title: 'x', to: { users: [admin.id, things.user] } } } }))).body.id;
    for (const path of [`workflows/${things.workflow}`, `webhooks/${things.outbound}`, `agents/${things.agent}`, `boards/${things.board}`, `admin/users/${things.user}`]) expect((await plane.request('DELETE', `/api/v1/${path}`, { token: admin.token })).status).toBeLessThan(300);
    for (const id of [...made, alone]) expect((await call('PUT', `/${id}`, { description: 'Still mine' })).status).toBe(200);
    await publish(plane, 'board.memory_added', {}, 1, admin.tenantId);
    for (const id of [...made, alone]) {
      const firing = await eventually(async () => (await history(id)).find(({ status }) => status !== 'pending'));
      expect([firing.status, firing.reason]).toEqual(['failed', expect.stringMatching(/^(not_found|invalid_request|unprocessable): /)]);
    }
    expect(await eventually(async () => (await history(some)).find(({ status }) => status === 'fired'))).toMatchObject({ result: { not_told: [things.user] } });
  });
});
