import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CountingServer, countingServer } from '../support/counting-server.js';
import { createAgent, createBoard, createUser, ok, type TestAgent, unique } from '../support/factories.js';
import { ADMIN_TOKEN } from '../support/plane.js';
import { ended, start, untilStep, work } from '../support/runs.js';
import { plane, startTwo, stopTwo } from '../support/two-planes.js';

/** The parts of an example, by what stands behind `json` in their fence. */
type Example = Readonly<Record<string, unknown>> & { title: string };

function examplesOf(document: string): Example[] {
  return document.split(/^### /m).slice(1).map((section) => ({
    title: section.split('\n')[0] ?? '',
    ...Object.fromEntries([...section.matchAll(/^```json (\w+)\n([\s\S]*?)^```$/gm)].map(([, name = '', text = '']) => [name, JSON.parse(text) as unknown])),
  }));
}

const examples = examplesOf(readFileSync(new URL('../../docs/workflows.md', import.meta.url), 'utf8'));
const example = (number: number): Example => {
  const found = examples.find(({ title }) => title.startsWith(`${number}. `));
  if (!found) throw new Error(`There is no example ${number}.`);
  return found;
};

let server: CountingServer;
let agent: TestAgent;
const asked: string[] = [];

beforeAll(async () => {
  await startTwo({ EGRESS_ALLOW: '127.0.0.1' }, { EGRESS_ALLOW: '127.0.0.1' });
  server = await countingServer();
  server.answer = answer;
  agent = await createAgent(plane, { enabled_tools: ['shell'], max_concurrent_tasks: 10 });
});
afterAll(async () => {
  await server.close();
  await stopTwo();
});

/** What the examples call. */
function answer({ method = '', url = '' }: IncomingMessage, response: ServerResponse): void {
  asked.push(`${method} ${url}`);
  const status = url.includes('broken') ? 503 : url === '/full' ? 409 : 200;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ ms: 5, id: 'F1' }));
}

const post = <T = { id: string }>(path: string, body: object): Promise<T> => ok(plane.request<T>('POST', `/api/v1${path}`, { token: ADMIN_TOKEN, body }));
/** Makes the workflow of an example, with what stands for something that is only known now. */
async function begin({ workflow, input }: Example, known: Record<string, string> = {}): Promise<string> {
  const filled = (value: unknown): object => JSON.parse(Object.entries({ 'https://api.example.com': server.url, ...known }).reduce((text, [name, now]) => text.replaceAll(name, now), JSON.stringify(value))) as object;
  const { id } = await post('/workflows', { ...filled(workflow), name: unique('example') });
  return start(id, filled(input));
}

describe('the examples of docs/workflows.md', () => {
  it('are six, each with a workflow, an input and what comes of it', () => {
    expect(examples.map(({ title }) => title.slice(0, 2))).toEqual(['1.', '2.', '3.', '4.', '5.', '6.']);
    for (const { workflow, input, output, failure } of examples) expect([workflow, input, output ?? failure]).not.toContain(undefined);
  });

  it('1: sort by size', async () => {
    expect(await ended(await begin(example(1)))).toMatchObject({ status: 'completed', output: example(1)['output'] });
  });

  it('2: agents work, a person approves', async () => {
    const runId = await begin(example(2));
    for (const _ of ['lint', 'test']) await work(agent, { warnings: 3 });
    const { waiting_for: approval } = await untilStep(runId, 'ask', 'waiting');
    const person = await createUser(plane, { role: 'admin' });
    await ok(plane.request('POST', `/api/v1/approvals/${approval?.id ?? ''}/approve`, { token: person.token, body: {} }));
    expect(await ended(runId)).toMatchObject({ status: 'completed', output: example(2)['output'] });
  });

  it('3: a call for each item', async () => {
    expect(await ended(await begin(example(3)))).toMatchObject({ status: 'completed', output: example(3)['output'] });
    expect(asked.filter((call) => call.includes('broken'))).toHaveLength(3);
  });

  it('4: undo what was done', async () => {
    const { undone, ...failure } = example(4)['failure'] as { undone: string[] };
    const run = await ended(await begin(example(4)));
    expect(run).toMatchObject(failure);
    expect(run.steps.filter((step) => step['undone']).map(({ path }) => path)).toEqual(undone);
    expect(asked).toContain('DELETE /flights/F1');
  });

  it('5: wait for an event, but not for ever', async () => {
    const board = await createBoard(plane);
    const runId = await begin(example(5), { BOARD: board.id });
    await untilStep(runId, 'answer', 'waiting');
    await post(`/boards/${board.id}/memory`, { content: 'It is there.' });
    expect(await ended(runId)).toMatchObject({ status: 'completed', output: example(5)['output'] });
  });

  it('6: a template, and a workflow that runs what was made of it', async () => {
    const template = await post('/workflows', { ...(example(6)['template'] as object), name: unique('template') });
    const made = await post(`/workflows/${template.id}/instantiate`, { name: unique('made'), parameters: example(6)['parameters'] });
    expect(await ended(await begin(example(6), { MADE: made.id }))).toMatchObject({ status: 'completed', output: example(6)['output'] });
  });
});
