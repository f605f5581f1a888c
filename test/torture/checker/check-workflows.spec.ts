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
    expect(rules({ steps: [{ ...right.steps[0]!, undone_tries: 2 }], keys: ['r/a', 'r/a#2'] })).toEqual([]);
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
    ['work for nobody', { asked: [{ id: 'p', run_id: 'r' }] }],
    ['undone in vain', { steps: [...right.steps, { run_id: 'r', path: '~1', status: 'completed', undoes: 'a' }] }],
    ['call lost', { keys: [] }],
    ['call under a wrong key', { keys: ['r/a', 'r/a#2'] }],
    ['call under a wrong key', { steps: [{ ...right.steps[0]!, undone_tries: 1 }], keys: ['r/a', 'r/a#2'] }],
    ['effect doubled', { tasks: [{ id: 't', run_id: 'r' }, { id: 'u', run_id: 'r' }] }],
  ])('notices: %s', (rule, change) => {
    expect(rules(change)).toEqual([rule]);
  });
});
