import { defineEvent, eventNames } from './event.js';
import { matchesEvent, patternFault } from './event-pattern.js';

describe('patterns of names of events', () => {
  it.each([
    ['task.completed', 'task.completed', true],
    ['task.completed', 'task.completed.late', false],
    ['task.*', 'task.completed', true],
    ['task.*', 'task', false],
    ['task.*', 'task.completed.late', false],
    ['task.**', 'task.completed.late', true],
    ['task.**', 'task', true],
    ['**', 'anything', true],
    ['**.failed', 'workflow.step.failed', true],
    ['**.failed', 'failed', true],
    ['*.failed', 'failed', false],
    ['**.**.x', 'a.b.c.x', true],
  ])('%s takes %s: %s', (pattern, name, expected) => {
    expect(matchesEvent(pattern, name)).toBe(expected);
  });

  it('knows the names that are defined, and refuses a pattern that takes none of them', () => {
    const { name } = defineEvent('pattern_spec.happened');
    expect(eventNames()).toContain(name);
    expect(patternFault('pattern_spec.*')).toBeUndefined();
    expect(patternFault('pattern_spec.never')).toBe('No event has such a name.');
    for (const pattern of ['', 'a..b', 'Task.*', 'a.***', 'a b', `a.${'*.'.repeat(8)}b`]) expect(patternFault(pattern)).toMatch(/not a name/);
  });
});
