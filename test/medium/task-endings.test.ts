import { EventConsumers } from '../../src/platform/events/event-consumers.js';
import { work, ended, start, step, workerOf, workflowOf } from '../support/runs.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

beforeAll(() => startTwo());
afterAll(stopTwo);

describe('the end of a task', () => {
  it('is told to its run at once, by the process that the agent told it to, though nobody follows the event log', async () => {
    for (const { app } of [plane, second]) await app.get(EventConsumers).beforeApplicationShutdown();
    const agent = await workerOf();
    const task = (key: string, ...after: string[]) => step(key, 'task', { config: { title: key, required_tools: [agent.tool] } }, ...after);
    const id = await start(await workflowOf([task('a'), task('b', 'a')]));
    expect([(await work(agent))['title'], (await work(agent))['title']]).toEqual(['a', 'b']);
    expect((await ended(id)).status).toBe('completed');
  });
});
