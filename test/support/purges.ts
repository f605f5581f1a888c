import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../src/cli/run-command.js';
import type { SignedCertificate } from '../../src/core/audit/certificate.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { PurgeRunner } from '../../src/operations/compliance/purge-runner.js';
import { Canaries, rowsOfAllTables } from './canaries.js';
import { withAdmin } from './databases.js';
import { eventually } from './eventually.js';
import { claim, createAgent, createBoard, createTask, ok, type SignedIn, someAddress, type TestAgent, type TestClaim } from './factories.js';
import type { ApiResponse } from './plane.js';
import { plane } from './two-planes.js';

export const PURGE = '/api/v1/compliance/purge';

/** A purge, as it is answered, or the problem in its place. */
export interface PurgeBody {
  id: string;
  status: string;
  erased: Record<string, number>;
  certificate: SignedCertificate | null;
  revision: number;
  code?: string;
}

export const query = <T extends object>(text: string, values: unknown[] = []): Promise<T[]> => plane.app.get(SystemDatabase).query<T>(text, values);
export const purge = (token: string, type: string, id: string, more: object = {}): Promise<ApiResponse<PurgeBody>> => plane.request<PurgeBody>('POST', PURGE, { token, body: { entity_type: type, entity_id: id, ...more } });
export const send = <T = { id: string }>(token: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> => ok(plane.request<T>(method, `/api/v1${path}`, { token, body, headers }));

export function purged(token: string, id: string): Promise<PurgeBody> {
  return eventually(async () => {
    const { body } = await plane.request<PurgeBody>('GET', `/api/v1/compliance/purges/${id}`, { token });
    return body.status === 'done' ? body : undefined;
  }, 60_000);
}

/** As the database does by itself when much has changed. */
export const takeSamples = (): Promise<unknown> => withAdmin((admin) => admin.query('analyze'), plane.database.name);

/** Where a canary still is: in a table, or in what a person or the operator can take out. */
export async function remains(canaries: Canaries, token: string, tenantId?: string): Promise<string[]> {
  const found = new Set<string>();
  const look = (where: string, content: Buffer | string): void => canaries.foundIn(where, content).forEach((place) => found.add(place));
  await withAdmin(async (admin) => {
    const tables = new Map<string, Buffer[]>();
    for await (const [where, content] of rowsOfAllTables(admin)) tables.set(where, [...(tables.get(where) ?? []), content]);
    for (const { text } of (await admin.query<{ text: string }>('select s::text as text from pg_statistic s')).rows) look('statistics', text);
    for (const [where, contents] of tables) look(where, Buffer.concat(contents));
  }, plane.database.name);
  for (const of of ['', ...(tenantId ? [`tenant_id=${tenantId}`] : [])]) {
    for (const path of ['compliance/export?type=audit_log', 'compliance/export?type=events', 'audit/export?', 'admin/audit?limit=100', 'agents?limit=100', 'tasks?limit=100', 'approvals?status=all', 'dead-letter?']) {
      const answer = await fetch(`${plane.url}/api/v1/${path}&${of}`, { headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': someAddress() } });
      expect([path, answer.status]).toEqual([path, 200]);
      look(path, await answer.text());
    }
  }
  return [...found];
}

export const lookAgain = (tenantId: string, id: string): Promise<void> =>
  plane.app.get(RequestContext).runAsSystem(tenantId, 'test', () => plane.app.get(PurgeRunner).run({ purge_id: id, again: true }, new AbortController().signal));

export async function checkCertificate(body: object, key?: string): Promise<{ code: number; text: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-certificate-'));
  try {
    const [file, keys] = [join(folder, 'certificate'), join(folder, 'key')];
    writeFileSync(file, JSON.stringify(body));
    writeFileSync(keys, key ?? '');
    const lines: string[] = [];
    const code = await runCommand(['audit', 'certificate', file, ...(key === undefined ? [] : ['--key', keys])], { out: (line) => lines.push(line), error: (line) => lines.push(line) });
    return { code, text: lines.join('\n') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const take = async (agent: TestAgent, board?: { id: string }): Promise<TestClaim> => (await claim(plane, agent, board ? { board_id: board.id } : {}))[0]!;

/** The agent fails, and another one gives the task back: its answer repeats what this one said. */
async function repeatFailure(admin: SignedIn, agent: TestAgent, error: string): Promise<void> {
  const next = await createAgent(plane, {}, admin.token);
  const { id } = await createTask(plane, { max_retries: 5 }, admin.token);
  for (const [who, path, body] of [[agent, 'fail', { error, retryable: true }], [next, 'release', {}]] as const) {
    const { lease } = await take(who);
    await send(who.token, 'POST', `/agent/tasks/${id}/${path}`, { fence: lease.fence, ...body });
    await query('update tasks set available_at = now(), ready = true where id = $1', [id]);
  }
  await send(admin.token, 'POST', `/tasks/${id}/cancel`, { reason: 'enough' });
}

/** Lets an agent write wherever an agent can. @returns what belongs to the tenant and must stay */
export async function workWithCanaries(admin: SignedIn, canaries: Canaries): Promise<{ agent: TestAgent; kept: Canaries }> {
  const kept = new Canaries();
  const agent = await createAgent(plane, {
    name: canaries.put('name'), description: canaries.put('description'), system_prompt: canaries.put('system prompt'), metadata: { note: canaries.put('metadata') }, worker_id: canaries.putPlain('worker'),
  }, admin.token);
  const board = await createBoard(plane, {}, [agent], admin.token);
  const as = <T = { id: string }>(path: string, body: unknown): Promise<T> => send<T>(agent.token, 'POST', `/agent${path}`, body, { 'user-agent': canaries.putPlain('user agent') });
  await as('/heartbeat', { status: 'online', name: canaries.put('reported name') });
  for (const end of ['complete', 'fail', 'bury'] as const) {
    await createTask(plane, { title: kept.put(`title to ${end}`), instructions: kept.put(`instructions to ${end}`), agent_id: agent.id, max_retries: 0 }, admin.token);
    const { task, lease: { fence } } = await take(agent);
    await as(`/tasks/${task.id}/renew`, { fence, note: canaries.put(`note before ${end}`) });
    await as(`/tasks/${task.id}/comments`, { body: canaries.put(`comment before ${end}`) });
    if (end === 'complete') await as(`/tasks/${task.id}/complete`, { fence, result: { text: canaries.put('result') }, output_files: [canaries.put('output file')], usage: { cost_usd: 0.5, model: canaries.put('model') } });
    else await as(`/tasks/${task.id}/fail`, { fence, error: canaries.put(`error to ${end}`), retryable: false, usage: { cost_usd: 0.25, model: canaries.put(`model to ${end}`) } });
    if (end !== 'fail') continue;
    // A person starts it again and gives it up: the changes of the task are on record, and may not hold what the agent said.
    await send(admin.token, 'PATCH', `/tasks/${task.id}`, { action: 'retry' });
    await send(admin.token, 'PATCH', `/tasks/${task.id}`, { title: kept.put('title as changed') });
    await send(admin.token, 'POST', `/tasks/${task.id}/cancel`, { reason: 'enough' });
  }
  await repeatFailure(admin, agent, canaries.put('error before another agent'));
  await as(`/boards/${board.id}/memory`, { content: canaries.put('memory'), source: canaries.put('source'), tags: [canaries.putPlain('tag')] });
  const made = await as<{ id: string }>('/tasks', { title: canaries.put('title of a task of its own'), description: canaries.put('its description'), payload: { text: canaries.put('its payload') }, board_id: board.id });
  await send(admin.token, 'PATCH', `/tasks/${made.id}`, { description: 'Shorter.' });
  const approval = await as('/approvals', { title: canaries.put('approval'), description: canaries.put('description of an approval'), action: { kind: 'deploy', arguments: { to: canaries.put('argument') } } });
  await send(admin.token, 'POST', `/approvals/${approval.id}/reject`, { note: canaries.put('note of a decision') });
  await as('/approvals', { title: canaries.put('open approval'), action: { kind: 'deploy', arguments: {} } });
  await send(admin.token, 'POST', `/agents/${agent.id}/pause`, { reason: canaries.put('reason of a pause') });
  return { agent, kept };
}
