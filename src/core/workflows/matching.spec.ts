import { factOf, MemoryRun } from '../../../test/support/workflow-memory.js';
import type { Step } from './graph.js';
import { MOST_UNASKED } from './matching.js';

const waiting = (fields: Partial<Step> = {}): Step => ({ key: 'e', name: 'e', type: 'wait', depends_on: [], join: 'all', on_error: 'fail', config: { event: { name: 'x.happened', match: 'event' } }, ...fields });

async function begun(fields: Partial<Step> = {}): Promise<MemoryRun> {
  const run = new MemoryRun({ steps: [waiting(fields), { ...waiting(), key: 'after', type: 'transform', config: { output: 1 }, depends_on: [{ step: 'e', on: 'ended' }] }] });
  await run.advance();
  return run;
}
const hear = (run: MemoryRun, event: unknown): Promise<unknown> => run.advance([factOf({ path: 'e' }, 'completed', event)]);

describe('a condition of a wait that takes too long', () => {
  it('passes over the event, says so, and takes the next', async () => {
    const run = await begun();
    await hear(run, 'too slow');
    expect(run.step('e')).toMatchObject({ status: 'waiting', lost: 1, reason: expect.stringContaining('took too long') as string });
    await hear(run, true);
    expect(run.run.status).toBe('completed');
  });

  it('fails its step when it does so for many events in a row', async () => {
    const run = await begun();
    for (let count = 1; count < MOST_UNASKED; count += 1) await hear(run, 'too slow');
    expect(run.step('e').status).toBe('waiting');
    await hear(run, 'too slow');
    expect(run.step('e')).toMatchObject({ status: 'failed', error: { code: 'expression_timeout' } });
    expect(run.run.status).toBe('completed');
  });

  it('counts only those in a row', async () => {
    const run = await begun();
    for (let count = 0; count < 2 * MOST_UNASKED; count += 1) await hear(run, count % 3 === 2 ? false : 'too slow');
    expect(run.step('e').status).toBe('waiting');
  });

  it('is counted anew with another try of the step', async () => {
    const run = await begun({ retry: { attempts: 2, backoff: 'fixed', delay_seconds: 1, max_delay_seconds: 1, jitter: false } });
    for (let count = 0; count < MOST_UNASKED; count += 1) await hear(run, 'too slow');
    expect(run.step('e').status).toBe('retrying');
    run.now = new Date(run.now.getTime() + 1_000);
    await run.advance();
    expect(run.step('e')).toMatchObject({ status: 'waiting', attempt: 2, lost: 0 });
  });

  it('that cannot be asked about an event says why', async () => {
    const run = await begun({ config: { event: { name: 'x.happened', match: '!' } } });
    await hear(run, { name: 'x.happened', id: '7' });
    expect(run.step('e')).toMatchObject({ status: 'waiting', lost: 0, reason: 'Its condition could not be asked about an event (x.happened 7): It says nothing.' });
  });

  it('that has no turn is asked about the event again, for a minute', async () => {
    const run = await begun();
    const created_at = run.now;
    const busy = { ...factOf({ path: 'e' }, 'completed', 'busy'), created_at };
    await run.advance([busy]);
    expect(run.unheard).toEqual([busy]);
    expect(run.step('e')).toMatchObject({ status: 'waiting', lost: 0, reason: null });
    await run.advance([{ ...busy, output: true }]);
    expect(run.run.status).toBe('completed');
    const late = await begun();
    late.now = new Date(created_at.getTime() + 60_000);
    await late.advance([busy]);
    expect(late.unheard).toEqual([]);
    expect(late.step('e')).toMatchObject({ status: 'waiting', lost: 0, reason: expect.stringContaining('could not be asked') as string });
  });
});
