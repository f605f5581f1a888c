import { checkWorkflows, type ExpectedRun, type WorkflowSnapshot } from './check-workflows.ts';

const expected: ExpectedRun = { workflowId: 'w', runId: 'r', failed: false, certain: [['a', 'completed']], cancelled: false };
const right: WorkflowSnapshot = {
  runs: [{ id: 'r', workflow_id: 'w', status: 'completed', parent: null }],
  steps: [{ run_id: 'r', path: 'a', status: 'completed', undoes: null }],
  made: [{ run_id: 'r', path: 'a', attempt: 1, task_id: 't' }],
  tasks: [{ id: 't', run_id: 'r' }],
  called: ['r/a'],
  keys: ['r/a', 'r/a'],
};
const rules = (change: Partial<WorkflowSnapshot>, run: Partial<ExpectedRun> = {}): string[] => checkWorkflows([{ ...expected, ...run }], { ...right, ...change }).map(({ rule }) => rule);

describe('what is checked of workflows', () => {
  it('finds nothing where everything is right', () => {
    expect(rules({})).toEqual([]);
    expect(rules({ runs: [{ id: 'r', workflow_id: 'w', status: 'cancelled', parent: null }] }, { cancelled: true })).toEqual([]);
    expect(rules({ runs: [], steps: [], made: [], tasks: [], called: [], keys: [] }, { runId: undefined })).toEqual([]);
  });

  it.each([
    ['run never ended', { runs: [{ id: 'r', workflow_id: 'w', status: 'running', parent: null }] }],
    ['run ended otherwise', { runs: [{ id: 'r', workflow_id: 'w', status: 'failed', parent: null }] }],
    ['run started twice', { runs: [right.runs[0]!, { id: 's', workflow_id: 'w', status: 'completed', parent: null }] }],
    ['run started twice', { runs: [right.runs[0]!, ...['s', 'u'].map((id) => ({ id, workflow_id: 'v', status: 'completed', parent: 'r b 1' }))] }],
    ['run lost', { runs: [] }],
    ['step ended otherwise', { steps: [{ run_id: 'r', path: 'a', status: 'skipped', undoes: null }] }],
    ['step ended otherwise', { steps: [{ run_id: 'r', path: 'a', status: 'failed', undoes: null }] }],
    ['step never ended', { steps: [...right.steps, { run_id: 'r', path: 'b', status: 'waiting', undoes: null }] }],
    ['work for nobody', { tasks: [{ id: 't', run_id: 'r', open: true }] }],
    ['undone in vain', { steps: [...right.steps, { run_id: 'r', path: '~1', status: 'completed', undoes: 'a' }] }],
    ['call lost', { keys: [] }],
    ['call under a wrong key', { keys: ['r/a', 'r/a#2'] }],
    ['effect doubled', { tasks: [{ id: 't', run_id: 'r' }, { id: 'u', run_id: 'r' }] }],
  ])('notices: %s', (rule, change) => {
    expect(rules(change)).toEqual([rule]);
  });

  const undo = (path: string, undoes: string, began: number, status = 'completed'): WorkflowSnapshot['steps'][number] => ({ run_id: 'r', path, status, undoes, began, ended: began + 5 });
  const done = (path: string): WorkflowSnapshot['steps'][number] => ({ run_id: 'r', path, status: 'completed', undoes: null, undoable: false, undone: true });
  it.each([
    [[], [done('a'), done('b'), undo('~2', 'b', 10), undo('~1', 'a', 20)]],
    [['not undone'], [{ ...done('a'), undone: false, undoable: true }]],
    [['not undone'], [done('a')]],
    [['not undone'], [done('a'), undo('~1', 'a', 10, 'failed')]],
    [['not undone'], [done('a'), undo('~1', 'a', 10), undo('~1', 'a', 20)]],
    [['undone out of turn'], [done('a'), done('b'), undo('~2', 'b', 20), undo('~1', 'a', 10)]],
  ])('notices of what is undone: %j', (found, steps) => {
    expect(rules({ runs: [{ id: 'r', workflow_id: 'w', status: 'cancelled', parent: null }], steps, made: [], tasks: [], called: [], keys: [] }, { cancelled: true })).toEqual(found);
  });
});
