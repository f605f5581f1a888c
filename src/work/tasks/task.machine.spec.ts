import { Problem } from '../../core/problem.js';
import { checkByHand, isEnded, priorityRank, statusesOfFilter, TASK_STATUSES, taskMachine } from './task.machine.js';

describe('the task machine', () => {
  it('lets nothing follow a completed or cancelled task', () => {
    expect(TASK_STATUSES.filter((status) => taskMachine.isFinal(status))).toEqual(['completed', 'cancelled']);
  });

  it('reaches every status from inbox', () => {
    const seen = new Set(['inbox']);
    for (const status of seen) for (const next of taskMachine.statuses.filter((to) => taskMachine.can(status as 'inbox', to))) seen.add(next);
    expect([...seen].sort()).toEqual([...TASK_STATUSES].sort());
  });

  it('lets people move tasks only where no agent is at work', () => {
    expect(() => checkByHand('inbox', 'queued')).not.toThrow();
    expect(() => checkByHand('review', 'completed')).not.toThrow();
    expect(() => checkByHand('in_progress', 'completed')).toThrow(Problem);
    expect(() => checkByHand('completed', 'queued')).toThrow('The task is completed.');
  });

  it('knows the documented second names in filters', () => {
    expect(statusesOfFilter('pending')).toEqual(['queued']);
    expect(statusesOfFilter('running')).toEqual(['in_progress']);
    expect(statusesOfFilter('all')).toBeUndefined();
    expect(statusesOfFilter('review')).toEqual(['review']);
  });

  it('ranks critical first', () => {
    expect(['critical', 'high', 'medium', 'low'].map((p) => priorityRank(p as 'low'))).toEqual([0, 1, 2, 3]);
    expect(isEnded('dead_letter')).toBe(true);
  });
});
