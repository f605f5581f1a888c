import { checkWorkflows, type ExpectedRun, type WorkflowSnapshot } from './check-workflows.ts';

const expected: ExpectedRun = { workflowId: 'w', runId: 'r', failed: false, certain: [['a', 'completed']], cancelled: false };
const right: WorkflowSnapshot = {
  runs: [{ id: 'r', workflow_id: 'w', status: 'completed' }],
  steps: [{ run_id: 'r', path: 'a', status: 'completed', undoes: null }],
  made: [{ run_id: 'r', path: 'a', attempt: 1, task_id: 't' }],
  tasks: [{ id: 't', run_id: 'r' }],
};
const rules = (change: Partial<WorkflowSnapshot>, run: Partial<ExpectedRun> = {}): string[] => checkWorkflows([{ ...expected, ...run }], { ...right, ...change }).map(({ rule }) => rule);

describe('what is checked of workflows', () => {
  it('finds nothing where everything is right', () => {
    expect(rules({})).toEqual([]);
    expect(rules({ runs: [{ id: 'r', workflow_id: 'w', status: 'cancelled' }] }, { cancelled: true })).toEqual([]);
    expect(rules({ runs: [], steps: [], made: [], tasks: [] }, { runId: undefined })).toEqual([]);
  });

  it.each([
    ['run never ended', { runs: [{ id: 'r', workflow_id: 'w', status: 'running' }] }],
    ['run ended otherwise', { runs: [{ id: 'r', workflow_id: 'w', status: 'failed' }] }],
    ['run started twice', { runs: [right.runs[0]!, { id: 's', workflow_id: 'w', status: 'completed' }] }],
    ['run lost', { runs: [] }],
    ['step ended otherwise', { steps: [{ run_id: 'r', path: 'a', status: 'skipped', undoes: null }] }],
    ['step ended otherwise', { steps: [] }],
    ['effect doubled', { tasks: [{ id: 't', run_id: 'r' }, { id: 'u', run_id: 'r' }] }],
  ])('notices: %s', (rule, change) => {
    expect(rules(change)).toEqual([rule]);
  });
});
