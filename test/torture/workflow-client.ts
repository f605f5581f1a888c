import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminClient } from '../../scripts/demo/admin-client.ts';
import { newSecret } from '../../scripts/demo/plane-process.ts';
import type { ExpectedRun } from './checker/check-workflows.ts';
import { Person } from './person.ts';
import { Prng } from './prng.ts';
import { planWorkflow } from './workflow-graph.ts';

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
 * Somebody who starts runs of workflows made at random, stops and resumes some and gives up others, and an agent that does their tasks; in a
 * tenant of their own.
 */
export class WorkflowClient {
  readonly tenantId: string;
  /** What was started, by the workflow: each is started once. */
  readonly expected: ExpectedRun[] = [];
  private readonly person: Person;
  private readonly headers: Record<string, string>;
  private readonly agent: { token: string };
  private readonly prng: Prng;
  private isDone = false;
  private working: Promise<void> | undefined;

  private constructor(tenantId: string, { seed }: WorkflowClientOptions, person: Person, headers: Record<string, string>, agent: { token: string }) {
    this.tenantId = tenantId;
    this.person = person;
    this.headers = headers;
    this.agent = agent;
    this.prng = new Prng(seed, 26);
  }

  static async make(admin: AdminClient, options: WorkflowClientOptions): Promise<WorkflowClient> {
    const { id } = await admin.request<{ id: string }>('POST', '/tenants', { name: 'Workflows', slug: 'workflow-torture' });
    const account = { email: 'workflows@example.com', password: newSecret() };
    await admin.request('POST', '/admin/users', { ...account, full_name: 'Workflows', role: 'admin', tenant_id: id });
    const person = new Person(account, options.urls, new Prng(options.seed, 27));
    const headers = await person.signIn();
    const agent = headers && (await person.ask<{ token: string }>('POST', '/agents', headers, { name: 'does tasks of workflows', enabled_tools: [TOOL], max_concurrent_tasks: 100 }));
    if (!headers || !agent) throw new Error('nobody can work in the new tenant');
    return new WorkflowClient(id, options, person, headers, agent);
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    this.working = this.work();
    while (!isOver()) {
      await this.oneRun();
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
    const plan = planWorkflow(() => this.prng.next(), TOOL);
    // Some graphs hold a step that could never run, and are refused: the next one, then.
    const workflow = await this.person.ask<{ id: string }>('POST', '/workflows', this.headers, { name: 'random', steps: plan.steps });
    if (!workflow) return;
    const runId = await this.start(workflow.id);
    const run: ExpectedRun = { workflowId: workflow.id, runId, failed: plan.failed, certain: plan.certain, cancelled: false };
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

  private control(runId: string, verb: 'cancel' | 'pause' | 'resume'): Promise<unknown> {
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
