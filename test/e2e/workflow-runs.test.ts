import { ok } from '../support/factories.js';
import { ADMIN_TOKEN } from '../support/plane.js';
import { ended, run, start, step, stepsOf, untilStep, work, workerOf, workflowOf } from '../support/runs.js';
import { plane, startTwo, stopTwo } from '../support/two-planes.js';

beforeAll(() => startTwo({ EGRESS_ALLOW: '127.0.0.1' }, { EGRESS_ALLOW: '127.0.0.1' }));
afterAll(stopTwo);

describe('a run', () => {
  it('does what needs no waiting at once, and says what came of it', async () => {
    const id = await workflowOf(
      [
        step('sum', 'transform', { config: { output: { total: '{% $input.a + $input.b %}' } } }),
        step('size', 'condition', { config: { branches: [{ name: 'large', when: '$steps.sum.output.total > 10' }], default: 'small' } }, 'sum'),
        step('boast', 'transform', { depends_on: [{ step: 'size', branch: 'large' }], config: { output: '{% "large: " & $steps.sum.output.total %}' } }),
        step('whisper', 'transform', { depends_on: [{ step: 'size', branch: 'small' }], config: { output: 'small' } }),
        step('say', 'transform', { config: { output: '{% $steps.boast.output ? $steps.boast.output : $steps.whisper.output %}' } }, 'boast', 'whisper'),
      ],
      { output: { said: '{% $steps.say.output %}' } },
    );
    const big = await ended(await start(id, { a: 7, b: 8 }));
    expect(big).toMatchObject({ status: 'completed', output: { said: 'large: 15' }, version: 1, started_by: { kind: 'bootstrap' } });
    expect(stepsOf(big)).toEqual({ boast: 'completed', say: 'completed', size: 'completed', sum: 'completed', whisper: 'skipped' });
    expect(await ended(await start(id, { a: 1, b: 2 }))).toMatchObject({ status: 'completed', output: { said: 'small' } });
  });

  it('gives tasks to agents and goes on with what they answer', async () => {
    const agent = await workerOf();
    const id = await workflowOf([
      step('lint', 'task', { config: { title: 'Lint {% $input.file %}', required_tools: [agent.tool] }, output: { warnings: '{% warnings %}' } }),
      step('judge', 'transform', { config: { output: '{% $steps.lint.output.warnings = 0 ? "clean" : "dirty" %}' } }, 'lint'),
    ]);
    const runId = await start(id, { file: 'a.ts' });
    const waiting = await untilStep(runId, 'lint', 'waiting');
    expect(waiting.why).toContain('waits for an agent');
    expect(waiting.waiting_for?.kind).toBe('task');
    expect(await work(agent, { warnings: 0 })).toMatchObject({ title: 'Lint a.ts' });
    const done = await ended(runId);
    expect(done).toMatchObject({ status: 'completed', output: 'clean' });
    expect(done.steps.find(({ path }) => path === 'lint')).toMatchObject({ output: { warnings: 0 }, attempts: [{ attempt: 1, outcome: 'completed', made: { kind: 'task', id: waiting.waiting_for?.id } }] });
  });

  it('is found in lists', async () => {
    const id = await workflowOf([step('a', 'transform')]);
    const runId = await start(id);
    await ended(runId);
    const { items } = await ok(plane.request<{ items: { id: string }[] }>('GET', `/api/v1/workflows/${id}/runs?status=completed`, { token: ADMIN_TOKEN }));
    expect(items.map((item) => item.id)).toEqual([runId]);
    expect((await run(runId)).step_counts).toEqual({ completed: 1 });
  });
});
