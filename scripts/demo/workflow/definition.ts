/** What the agents do, each with a tool of its own name. */
export const CHECKS = ['lint', 'count', 'test'] as const;
export type Check = (typeof CHECKS)[number];

const check = (tool: Check): object => ({
  key: tool,
  steps: [{ key: tool, type: 'task', timeout_seconds: 300, config: { title: `${tool} {% $input.version %}`, required_tools: [tool], payload: { check: tool }, max_retries: 3 } }],
});

/** The release pipeline, as `POST /workflows` takes it. */
export const RELEASE = {
  name: 'Release',
  description: 'Checks side by side; then a person says whether it goes out.',
  input_schema: { type: 'object', required: ['version'], properties: { version: { type: 'string', maxLength: 50 } } },
  steps: [
    { key: 'checks', type: 'parallel', branches: CHECKS.map(check) },
    {
      key: 'verdict',
      type: 'condition',
      depends_on: ['checks'],
      config: { branches: [{ name: 'good', when: '$steps.checks.output.(lint.files > 0 and lint.errors = 0 and test.passed > 0 and test.failed = 0)' }], default: 'bad' },
    },
    {
      key: 'ask',
      type: 'approval',
      depends_on: [{ step: 'verdict', branch: 'good' }],
      config: {
        title: 'Release {% $input.version %}?',
        description: '{% $steps.checks.output.count.lines %} lines in {% $steps.checks.output.count.files %} files, {% $steps.checks.output.test.passed %} tests passed, {% $steps.checks.output.lint.warnings %} warnings.',
        approvers: ['admin'],
        expires_seconds: 3_600,
        on_reject: 'continue',
      },
    },
    { key: 'decided', type: 'condition', depends_on: ['ask'], config: { branches: [{ name: 'yes', when: "$steps.ask.output.status = 'approved'" }], default: 'no' } },
    { key: 'publish', type: 'transform', depends_on: [{ step: 'decided', branch: 'yes' }], config: { output: { version: '{% $input.version %}', checks: '{% $steps.checks.output %}' } } },
    { key: 'shelve', type: 'transform', depends_on: [{ step: 'decided', branch: 'no' }], config: { output: { version: '{% $input.version %}', note: '{% $steps.ask.output.note %}' } } },
  ],
  output: { released: "{% $steps.publish.status = 'completed' %}", checks: '{% $steps.checks.output %}' },
};
