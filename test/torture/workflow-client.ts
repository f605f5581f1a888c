import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminClient } from '../../scripts/demo/admin-client.ts';
import type { ExpectedRun } from './checker/check-workflows.ts';
import type { EffectsTarget } from './effects-target.ts';
import { makeAdministrator, makeTenant, type OwnTenant } from './own-tenant.ts';
import type { Person } from './person.ts';
import { Prng } from './prng.ts';
import { WorkflowApprover } from './workflow-approver.ts';
import { type Means, planWorkflow } from './workflow-graph.ts';

interface Claimed {
  task: { id: string; payload: { fails: boolean } };
  lease: { fence: number };
}

export interface WorkflowClientOptions {
  urls: readonly string[];
  seed: number;
}

const TOOL = 'workflow-torture';
const LEASE_SECONDS = 5;
const AT_ONCE = 20;
/** How often something is asked that must be answered in the end. */
const MOST_TRIES = 60;

/**
 * Somebody who starts runs of workflows made at random, stops and resumes some, gives up others and tries some again, an agent that does their
 * tasks, and somebody who approves what they ask for; in a tenant of their own.
 */
export class WorkflowClient {
  readonly tenantId: string;
  /** What was started, by the workflow: each is started once. */
  readonly expected: ExpectedRun[] = [];
  private readonly person: Person;
  private readonly headers: Record<string, string>;
  private readonly agent: { token: string };
  private readonly prng: Prng;
  private readonly means: Means;
  private readonly approver: WorkflowApprover;
  private isDone = false;
  private working: Promise<unknown> | undefined;

  private constructor({ id, person, headers }: OwnTenant, { seed }: WorkflowClientOptions, { agent, approver, means }: { agent: { token: string }; approver: WorkflowApprover; means: Means }) {
    this.tenantId = id;
    this.person = person;
    this.headers = headers;
    this.agent = agent;
    this.means = means;
    this.approver = approver;
    this.prng = new Prng(seed, 26);
  }

  static async make(admin: AdminClient, options: WorkflowClientOptions, target: EffectsTarget): Promise<WorkflowClient> {
    const tenant = await makeTenant(admin, 'workflows', options, 27);
    const ask = async <T>(path: string, body: object): Promise<T> => {
      const answer = await tenant.person.ask<T>('POST', path, tenant.headers, body);
      if (!answer) throw new Error(`nobody can work in the new tenant: ${path}`);
      return answer;
    };
    const agent = await ask<{ token: string }>('/agents', { name: 'does tasks of workflows', enabled_tools: [TOOL], max_concurrent_tasks: 100 });
    const children = [false, true].map(async (fails) => {
      const steps = [{ key: 'only', type: 'task', config: { title: 'of a child', required_tools: [TOOL], payload: { fails }, max_retries: 50 } }];
      return (await ask<{ id: string }>('/workflows', { name: fails ? 'fails' : 'completes', steps })).id;
    });
    const [good = '', bad = ''] = await Promise.all(children);
    const means: Means = { tool: TOOL, childOf: (fails) => (fails ? bad : good), urlOf: (fails) => target.url(fails ? '/refused' : '/done'), flakyUrl: target.url('/flaky') };
    const approver = new WorkflowApprover(await makeAdministrator(admin, { id: tenant.id, name: 'approver-of-workflows' }, options, 30));
    return new WorkflowClient(tenant, options, { agent, approver, means });
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    this.working = Promise.all([this.work(), this.approver.runUntil(() => this.isDone)]);
    while (!isOver()) {
      await this.oneRun();
      if (this.prng.next() < 0.25) await this.tryAgain();
      await sleep(this.prng.between(20, 150));
    }
  }

  /** Nothing stays paused, so that everything can end. The agent goes on. */
  async resumeAll(): Promise<void> {
    const paused = await this.person.ask<{ items: { id: string }[] }>('GET', '/workflow-runs?status=paused&limit=100', this.headers);
    for (const { id } of paused?.items ?? []) await this.control(id, 'resume');
  }

  async stop(): Promise<void> {
    this.isDone = true;
    await this.working;
  }

  private async oneRun(): Promise<void> {
    const plan = planWorkflow(() => this.prng.next(), this.means);
    // Some graphs hold a step that could never run, and are refused: the next one, then.
    const workflow = await this.person.ask<{ id: string }>('POST', '/workflows', this.headers, { name: 'random', steps: plan.steps });
    if (!workflow) return;
    const runId = await this.start(workflow.id);
    const run: ExpectedRun = { workflowId: workflow.id, runId, failed: plan.failed, certain: plan.certain, compensated: plan.compensated, cancelled: false };
    this.expected.push(run);
    if (runId === undefined) return;
    const chance = this.prng.next();
    if (chance < 0.1) {
      run.cancelled = true;
      await sleep(this.prng.between(0, 400));
      await this.control(runId, 'cancel');
    } else if (chance < 0.3) {
      await this.control(runId, 'pause');
      await sleep(this.prng.between(0, 300));
      await this.control(runId, 'resume');
    }
  }

  /** One that has failed goes on, and fails again where it did. */
  private async tryAgain(): Promise<void> {
    const failed = this.expected.filter((run) => run.failed && !run.cancelled && run.runId !== undefined);
    const run = failed.length === 0 ? undefined : this.prng.pick(failed);
    if (!run?.runId) return;
    const found = await this.person.ask<{ status: string }>('GET', `/workflow-runs/${run.runId}`, this.headers);
    if (found?.status !== 'failed') return;
    run.retried = true;
    await this.control(run.runId, 'retry');
  }

  /** Asked twice at once, and again until somebody answers: with one key it is one run. */
  private async start(workflowId: string): Promise<string | undefined> {
    const headers = { ...this.headers, 'idempotency-key': `run-${workflowId}` };
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const answers = await Promise.all([0, 1].map(() => this.person.ask<{ run_id: string }>('POST', `/workflows/${workflowId}/run`, headers, {})));
      const answered = answers.find((answer) => answer !== undefined);
      if (answered) return answered.run_id;
      await sleep(250);
    }
    return undefined;
  }

  private control(runId: string, verb: 'cancel' | 'pause' | 'resume' | 'retry'): Promise<unknown> {
    return this.person.ask('POST', `/workflow-runs/${runId}/${verb}`, this.headers, {});
  }

  private async work(): Promise<void> {
    const headers = { 'x-agent-token': this.agent.token };
    while (!this.isDone) {
      const claimed = await this.person.ask<{ items: Claimed[] }>('POST', '/agent/tasks/claim', headers, { max: AT_ONCE, lease_seconds: LEASE_SECONDS, wait_seconds: 1 });
      if (!claimed) await sleep(100);
      await Promise.all((claimed?.items ?? []).map((item) => this.finish(item, headers)));
    }
  }

  /** The same under the same fence may be said again; what nobody hears is claimed anew when the lease has ended. */
  private async finish({ task, lease: { fence } }: Claimed, headers: Record<string, string>): Promise<void> {
    const [path, body] = task.payload.fails ? ['fail', { fence, error: 'as planned', retryable: false }] : ['complete', { fence, result: {} }];
    for (let tries = 0; tries < 3; tries += 1) if (await this.person.ask('POST', `/agent/tasks/${task.id}/${path}`, headers, body)) return;
  }
}
