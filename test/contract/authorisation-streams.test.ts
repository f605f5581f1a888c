import { FAMILIES } from '../../src/core/event-families.js';
import { PERMISSIONS, type Permission } from '../../src/core/permissions.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { EventSignal } from '../../src/platform/events/event-signal.js';
import { operationsOf, type PlacedOperation } from '../../src/platform/openapi/document.types.js';
import { TestEventSource } from '../support/event-source.js';
import { eventually } from '../support/eventually.js';
import { type Plane, startPlane } from '../support/plane.js';
import { type SocketMessage, TestSocket } from '../support/socket.js';
import { call, type Caller, makeCallers, makeTenant, type Side } from './authorisation/callers.js';
import { Fixtures, type Tenants } from './authorisation/fixtures.js';
import { committedDocument, successOf } from './openapi-document.js';

const document = committedDocument();
const operations = operationsOf(document);
const SIDES: readonly Side[] = ['own', 'foreign'];
const families = Object.entries(FAMILIES) as [string, Permission][];

const tokenOf = ({ headers }: Pick<Caller, 'headers'>): string => headers['authorization']?.slice('Bearer '.length) ?? headers['x-api-key'] ?? headers['x-agent-token'] ?? 'nonsense';

/** Whether the catalogue lets a caller have a permission on events. No agent follows them. */
function may(caller: Caller, permission: Permission): boolean {
  const roles: readonly string[] = PERMISSIONS[permission].roles;
  return caller.roles.some((role) => roles.includes(role)) && (caller.scope === undefined || caller.scope === permission);
}

/** Of these one after the other has an effect. */
const STOPPING: ReadonlySet<string> = new Set(['pauseWorkflowRun', 'resumeWorkflowRun']);

describe('the authorisation matrix of streams', () => {
  let plane: Plane;
  let tenants: Tenants;
  let fixtures: Fixtures;
  let callers: Caller[];
  let cells = 0;

  beforeAll(async () => {
    plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
    tenants = { own: await makeTenant(plane), foreign: await makeTenant(plane) };
    fixtures = new Fixtures(plane, document, tenants);
    callers = await makeCallers(plane, tenants.own, tenants.foreign);
  }, 60_000);
  afterAll(async () => {
    await plane.stop();
    process.stdout.write(`authorisation: ${cells} cells over the streams\n`);
  });

  async function publish(name: string, tenantId: string): Promise<void> {
    await plane.app.get(SystemDatabase).query('insert into events (id, tenant_id, name, data) values (gen_random_uuid(), $1, $2, $3)', [tenantId, name, JSON.stringify({ of: tenantId })]);
    plane.app.get(EventSignal).raise();
  }

  const answerTo = async (socket: TestSocket, message: object): Promise<SocketMessage | undefined> => {
    const from = socket.messages.length;
    socket.send(message);
    return eventually(() => socket.messages.slice(from).find(({ type }) => type !== 'event'));
  };

  it('shows each caller of /ws the events of its own tenant that it may read, and no other', async () => {
    const wrong: string[] = [];
    const following: { caller: Caller; socket: TestSocket }[] = [];
    for (const caller of callers) {
      const socket = await new TestSocket(plane, `?token=${encodeURIComponent(tokenOf(caller))}`).opened();
      const first = await eventually(() => socket.closed ?? socket.messages[0]);
      cells += 1;
      const isIn = 'type' in first && first.type === 'authenticated';
      if (isIn !== may(caller, 'event:read')) wrong.push(`${caller.name} is ${isIn ? 'let in' : `refused with ${JSON.stringify(first)}`}`);
      if (!isIn) continue;
      for (const [family, permission] of families) {
        cells += 1;
        const answer = await answerTo(socket, { type: 'subscribe', event: `${family}.*` });
        const expected = may(caller, permission) ? 'subscribed' : 'forbidden';
        const got = answer?.problem?.code ?? answer?.type;
        if (got !== expected) wrong.push(`${caller.name} asks for ${family}.*: ${got ?? 'nothing'}, not ${expected}`);
      }
      await answerTo(socket, { type: 'subscribe', event: '*' });
      following.push({ caller, socket });
    }
    // The last one of each tenant is for everybody: whoever has it has had what came before.
    for (const name of [...families.map(([family]) => `${family}.matrix`), 'system.last']) for (const side of SIDES) await publish(name, tenants[side].id);
    for (const { caller, socket } of following) {
      const isOperator = caller.actsFor !== undefined;
      if (!isOperator) await eventually(() => socket.events.some(({ event }) => event === 'system.last'));
      for (const side of SIDES) {
        for (const [family, permission] of families) {
          cells += 1;
          const heard = socket.events.some(({ event, data }) => event === `${family}.matrix` && data?.['of'] === tenants[side].id);
          const expected = !isOperator && side === caller.side && may(caller, permission);
          if (heard !== expected) wrong.push(`${caller.name} ${heard ? 'hears' : 'does not hear'} ${family} of the ${side} tenant`);
        }
      }
      socket.socket.terminate();
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  /** Makes one more of everything that the tenant's administrator can make, and stops and starts what goes on. */
  async function stir(side: Side): Promise<void> {
    const makers = operations.filter(({ method, operation }: PlacedOperation) => STOPPING.has(operation.operationId) || (method === 'post' && successOf(operation).status === 201 && operation['x-roles']?.includes('admin')));
    for (const placed of makers) await call(plane, placed.method, await fixtures.path(placed, side), tenants[side].admin, await fixtures.body(placed, side, true));
  }

  it("never brings another tenant's event to a stream of server-sent events", async () => {
    const streams = operations.filter(({ operation }) => successOf(operation).type === 'text/event-stream');
    expect(streams.length).toBeGreaterThan(0);
    const opening = Promise.all(
      streams.flatMap((placed) => SIDES.map(async (side) => ({ placed, side, source: await TestEventSource.open(plane, await fixtures.path(placed, side), tokenOf({ headers: tenants[side].admin })) }))),
    );
    // Some say nothing before something happens.
    let isOpen = false;
    void opening.then(() => (isOpen = true));
    await eventually(async () => {
      for (const side of SIDES) await stir(side);
      return isOpen;
    });
    const sources = await opening;
    const before = new Map(sources.map(({ source }) => [source, source.heard.length]));
    for (const side of SIDES) await stir(side);
    const wrong: string[] = [];
    for (const { placed, side, source } of sources) {
      cells += 1;
      await eventually(() => source.heard.length > (before.get(source) ?? 0));
      const text = JSON.stringify(source.heard);
      if (fixtures.made[side === 'own' ? 'foreign' : 'own'].isIn(text)) wrong.push(`${placed.operation.operationId} of the ${side} tenant shows what is another's`);
      source.close();
    }
    expect(wrong).toEqual([]);
  }, 60_000);
});
