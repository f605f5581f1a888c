import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { rowsOfAllTables } from '../support/canaries.js';
import { withAdmin } from '../support/databases.js';
import { ADMIN_TOKEN } from '../support/plane.js';
import { lookAgain, purge, purged } from '../support/purges.js';
import { control, ended, start, step, untilStep, work, workerOf, workflowOf } from '../support/runs.js';
import { plane, startTwo, stopTwo } from '../support/two-planes.js';

beforeAll(() => startTwo());
afterAll(stopTwo);

/** Tables of runs that hold a text. */
async function tablesWith(text: string): Promise<string[]> {
  const found = new Set<string>();
  await withAdmin(async (admin) => {
    for await (const [table, content] of rowsOfAllTables(admin)) if (table.startsWith('table workflow_') && content.includes(text)) found.add(table);
  }, plane.database.name);
  return [...found].sort();
}

describe('the purge of an agent that took part in a run', () => {
  it('reaches the runs around it and within, and those that still go on as soon as they have ended', async () => {
    const agent = await workerOf();
    const word = 'what only this agent could say';
    const child = await workflowOf([step('write', 'task', { config: { title: 'Write', required_tools: [agent.tool] } })]);
    const reader = await workflowOf([step('read', 'transform', { config: { output: '{% $input.text %}' } })]);
    const parent = await workflowOf([
      step('first', 'workflow', { config: { workflow_id: child } }),
      step('quote', 'transform', { config: { output: '{% "They say: " & $steps.first.output.text %}' } }, 'first'),
      step('second', 'workflow', { config: { workflow_id: reader }, input: { text: '{% $steps.quote.output %}' } }, 'quote'),
      step('nap', 'wait', { config: { seconds: 3_600 } }, 'second'),
    ]);
    const id = await start(parent, { topic: 'what the tenant gave' });
    await work(agent, { text: word });
    await untilStep(id, 'nap', 'waiting');
    expect(await tablesWith(word)).toEqual(['table workflow_runs', 'table workflow_steps']);
    const { body } = await purge(ADMIN_TOKEN, 'agent', agent.id);
    await purged(ADMIN_TOKEN, body.id);
    // The parent still needs what it goes on with.
    expect(await tablesWith(word)).toEqual(['table workflow_steps']);
    await lookAgain(OPERATOR_TENANT_ID, body.id);
    expect(await tablesWith(word)).toEqual(['table workflow_steps']);
    await control(id, 'cancel');
    await ended(id);
    await lookAgain(OPERATOR_TENANT_ID, body.id);
    expect(await tablesWith(word)).toEqual([]);
    expect(await tablesWith('what the tenant gave')).toEqual(['table workflow_runs']);
  });

  it('reaches what is left of a family when the workflow is gone for which it worked', async () => {
    const agent = await workerOf();
    const word = 'what this one said within';
    const child = await workflowOf([step('write', 'task', { config: { title: 'Write', required_tools: [agent.tool] } })]);
    const id = await start(await workflowOf([step('first', 'workflow', { config: { workflow_id: child } })]));
    await work(agent, { text: word });
    await ended(id);
    expect((await plane.request('DELETE', `/api/v1/workflows/${child}`, { token: ADMIN_TOKEN })).status).toBe(204);
    expect(await tablesWith(word)).toEqual(['table workflow_runs', 'table workflow_steps']);
    const { body } = await purge(ADMIN_TOKEN, 'agent', agent.id);
    await purged(ADMIN_TOKEN, body.id);
    expect(await tablesWith(word)).toEqual([]);
  });
});
