import { AdminClient } from '../../scripts/demo/admin-client.ts';
import { newSecret } from '../../scripts/demo/plane-process.ts';
import { AgentUnderTest } from './agents.ts';
import { ApiClient } from './api-client.ts';
import { ApprovalClient } from './approval-client.ts';
import { AuditClient } from './audit-client.ts';
import { BreakerClient } from './breaker-client.ts';
import type { Cluster } from './cluster.ts';
import { ControlClient } from './control-client.ts';
import { DoomedClient } from './doomed-client.ts';
import type { EffectsTarget } from './effects-target.ts';
import { EventClient } from './event-client.ts';
import { HistoryWriter } from './history.ts';
import type { TortureOptions } from './options.ts';
import { Person } from './person.ts';
import { Prng } from './prng.ts';
import { type Doomed, Purges } from './purges.ts';
import { RevocationClient } from './revocation-client.ts';
import { SecretClient } from './secret-client.ts';
import { SocketClient } from './socket-client.ts';
import { WorkflowClient } from './workflow-client.ts';

/** Agents that never work: each has a key of its own, so that a rotation has more than one batch to do. */
const RESTING_AGENTS = 120;
const AT_ONCE = 8;
/** Of each kind. */
const DOOMED = 2;

interface Client {
  runUntil(isOver: () => boolean): Promise<void>;
}

/** The administrator, the agents, the clients and those who listen. */
export interface World {
  admin: AdminClient;
  agents: AgentUnderTest[];
  clients: Client[];
  secrets: SecretClient;
  purges: Purges;
  auditor: AuditClient;
  events: EventClient;
  socket: SocketClient;
  workflows: WorkflowClient;
  breakers: BreakerClient;
}

interface Place {
  urls: string[];
  folder: string;
  seed: number;
}

/** Makes everybody, before anything breaks. @param agents takes the agents, which have to be ended whatever happens */
export async function populate({ cluster, target }: { cluster: Cluster; target: EffectsTarget }, agents: AgentUnderTest[], options: TortureOptions, folder: string): Promise<World> {
  const place: Place = { urls: cluster.urls, folder, seed: options.seed };
  const account = { email: 'torture@example.com', password: newSecret() };
  const admin = new AdminClient(cluster.urls[0] ?? '', account);
  await admin.setUp(cluster.setupToken);
  const person = (stream: number): Person => new Person(account, place.urls, new Prng(place.seed, stream));
  const secrets = new SecretClient({ ...place, person: person(20) });
  const auditor = new AuditClient({ ...place, person: person(21) });
  await secrets.prepare();
  await auditor.prepare();
  const { id: boardId } = await admin.request<{ id: string }>('POST', '/boards', { name: 'torture' });
  await makeAgents(admin, agents, { place, options, boardId, secrets: secrets.secrets });
  const agentIds = agents.map(({ id }) => id);
  const { clients, token } = await makeClients(admin, account, { place, options, boardId, agentIds });
  const doomed = await makeDoomed(admin, agents, place);
  const purges = new Purges({ ...place, person: person(23), doomed: doomed.entities });
  const listener = { urls: place.urls, history: new HistoryWriter(folder, 'events'), prng: new Prng(place.seed, 7) };
  const events = new EventClient({ ...listener, headers: { authorization: `Bearer ${token}` } });
  const socket = new SocketClient({ ...listener, token, history: new HistoryWriter(folder, 'socket'), prng: new Prng(place.seed, 8) });
  await events.start();
  socket.start();
  for (const agent of agents) agent.start();
  const approver = await admin.request<{ id: string; token: string }>('POST', '/agents', { name: 'asks first' });
  const approvals = new ApprovalClient({ ...place, person: person(24), agent: approver });
  const workflows = await WorkflowClient.make(admin, place, target);
  const breakers = await BreakerClient.make(admin, place, target);
  const others = [...doomed.clients, approvals, workflows, breakers, secrets, auditor, new RevocationClient({ ...place, person: person(22) })];
  return { admin, agents, clients: [...clients, ...others], secrets, purges, auditor, events, socket, workflows, breakers };
}

async function makeAgents(
  admin: AdminClient,
  agents: AgentUnderTest[],
  { place, options, boardId, secrets }: { place: Place; options: TortureOptions; boardId: string; secrets: { id: string; name: string }[] },
): Promise<void> {
  for (let number = 1; number <= options.agents; number++) {
    const agent = await admin.request<{ id: string; token: string }>('POST', '/agents', { name: `agent-${number}`, max_concurrent_tasks: 50 });
    if (number % 2 === 1) await admin.request('PUT', `/boards/${boardId}/agents/${agent.id}`);
    for (const { id } of secrets) await admin.request('POST', `/secrets/${id}/grants`, { agent_id: agent.id });
    const config = { urls: place.urls, folder: place.folder, lanes: 3, dawdles: options.plant === 'no-fence', secrets };
    agents.push(new AgentUnderTest(`agent-${number}`, agent, place.seed + 1_000 * number, config));
  }
  for (let made = 0; made < RESTING_AGENTS; made += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => admin.request('POST', '/agents', { name: `resting ${made + index}` })));
}

/** Agents and tenants that will be purged. The agents are on no board, or who was on it could not be told in the end. */
async function makeDoomed(admin: AdminClient, agents: AgentUnderTest[], { urls, folder, seed }: Place): Promise<{ clients: DoomedClient[]; entities: Doomed[] }> {
  const clients: DoomedClient[] = [];
  const entities: Doomed[] = [];
  for (let number = 1; number <= DOOMED; number++) {
    const mark = `to-be-purged-${newSecret().toLowerCase().replaceAll('_', '-')}`;
    const agent = await admin.request<{ id: string; token: string }>('POST', '/agents', { name: mark, description: mark, max_concurrent_tasks: 50 });
    const config = { urls, folder, lanes: 2, dawdles: false, secrets: [], mark, address: `198.19.0.${number}` };
    agents.push(new AgentUnderTest(`doomed-agent-${number}`, agent, seed + 100_000 * number, config));
    entities.push({ type: 'agent', id: agent.id, mark });
    const client = await DoomedClient.make(admin, { urls, folder, seed: seed + number, name: `doomed-tenant-${number}` });
    clients.push(client);
    entities.push(client.entity);
  }
  return { clients, entities };
}

async function makeClients(
  admin: AdminClient,
  account: { email: string; password: string },
  { place, options, boardId, agentIds }: { place: Place; options: TortureOptions; boardId: string; agentIds: string[] },
): Promise<{ clients: Client[]; token: string }> {
  const { access_token: token } = await admin.request<{ access_token: string }>('POST', '/auth/login', account);
  const { key } = await admin.request<{ key: string }>('POST', '/security/api-keys', { name: 'torture', scopes: ['task:read', 'task:write', 'agent:write'] });
  const credentials: Record<string, string>[] = [{ authorization: `Bearer ${token}` }, { 'x-api-key': key }];
  const clients = Array.from({ length: options.clients }, (_, index) => {
    const headers: Record<string, string> = { ...credentials[index % 2] };
    // Each changes tasks of its own, so that the last change of a description is known.
    return new ApiClient({ ...place, client: `client-${index + 1}`, seed: place.seed + index, headers, agentIds, boardId });
  });
  return { clients: [...clients, new ControlClient({ ...place, headers: credentials[0] ?? {}, agentIds })], token };
}
