import { checkUndoing } from './check-undoing.ts';
import type { WorkflowSnapshot } from './check-workflows.ts';

type Steps = WorkflowSnapshot['steps'];

const done = (path: string, seq: number): Steps[number] => ({ run_id: 'r', path, status: 'completed', undoes: null, undoable: false, undone: true, ended_seq: seq });
const undo = (path: string, undoes: string, seq: number, status = 'completed'): Steps[number] => ({ run_id: 'r', path, status, undoes, began: seq * 10, ended: seq * 10 + 5, ended_seq: status === 'completed' ? seq : null });
const compensated = ['a', 'm/item/b'];
const both = [done('a', 1), done('m/0/b', 2)];
const rules = (steps: Steps, retried = false, status = 'failed'): string[] => checkUndoing({ id: 'r', workflow_id: 'w', status, parent: null }, steps, { compensated, retried }).map(({ rule }) => rule);

describe('what is checked of undoing', () => {
  it('finds nothing where all was undone once, the last of it first', () => {
    expect(rules([...both, undo('~2', 'm/0/b', 3), undo('~1', 'a', 4)])).toEqual([]);
    expect(rules([...both, undo('~2', 'm/0/b', 3), undo('~1', 'a', 4), { ...done('c', 5), undone: false }])).toEqual([]);
    expect(rules([{ ...done('a', 1), status: 'failed', undone: false }])).toEqual([]);
    expect(rules([{ ...done('a', 1), undone: false, undoable: true }], false, 'completed')).toEqual([]);
  });

  it('takes what was done again for that', () => {
    expect(rules([done('a', 3), undo('~1', 'a', 2), undo('~3', 'a', 4)], true)).toEqual([]);
    expect(rules([done('a', 3)], true)).toEqual(['not undone']);
  });

  it.each([
    ['left', [{ ...done('a', 1), undone: false, undoable: true }], ['not undone']],
    ['said to be undone', [done('a', 1)], ['not undone']],
    ['taken for one without a way back', [{ ...done('m/1/b', 1), undone: false }], ['not undone']],
    ['undone in vain tries', [done('a', 1), undo('~1', 'a', 2, 'failed')], ['not undone']],
    ['undone twice', [done('a', 1), undo('~1', 'a', 2), undo('~2', 'a', 3)], ['not undone', 'undone out of turn']],
    ['undone in the order in which it was done', [...both, undo('~1', 'a', 3), undo('~2', 'm/0/b', 4)], ['undone out of turn']],
    ['undone side by side', [...both, undo('~2', 'm/0/b', 3), { ...undo('~1', 'a', 4), began: 31 }], ['undone out of turn']],
  ])('notices a step that was %s', (_what, steps, found) => {
    expect(rules(steps)).toEqual(found);
  });

  it('notices what is undone of a run that is completed', () => {
    expect(rules([done('a', 1), undo('~1', 'a', 2)], false, 'completed')).toEqual(['undone in vain']);
  });
});
