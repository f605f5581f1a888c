/** One agent of the torture, a process of its own: it works, fails, dawdles past its leases, and writes a history. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HistoryWriter, type OpName, type OpOf, wasAccepted } from './history.ts';
import { Prng } from './prng.ts';
import { RecordedHttp } from './recorded-http.ts';

export interface AgentClientConfig {
  client: string;
  agentId: string;
  urls: string[];
  folder: string;
  seed: number;
  lanes: number;
  /** Mostly past its leases: with a planted fault late writes have to meet newer holders. */
  dawdles: boolean;
  /** Secrets that are granted to it. */
  secrets: { id: string; name: string }[];
  /** Stands in all that it writes, so that it can be looked for when the agent has been purged. */
  mark?: string;
  /** Where it calls from: failures are counted by it. */
  address?: string;
}

const LEASE_SECONDS = 5;
const MANNERS = { completes: 76, fails: 8, 'gives up': 2, releases: 5, dawdles: 6, renews: 3 };
const LATE = { completes: 40, dawdles: 60 };
const CALM = { completes: 1 };

interface Claimed {
  task: { id: string };
  lease: { fence: number };
}

class AgentClient {
  private readonly config: AgentClientConfig;
  private readonly http: RecordedHttp;
  private readonly prng: Prng;
  private stopping = false;
  /** After the last fault: no trouble of our own any more. */
  private calm = false;

  constructor(config: AgentClientConfig, token: string) {
    this.config = config;
    this.prng = new Prng(config.seed);
    const history = new HistoryWriter(config.folder, config.client);
    this.http = new RecordedHttp({
      client: config.client,
      urls: config.urls,
      headers: { 'x-agent-token': token, ...(config.address === undefined ? {} : { 'x-forwarded-for': config.address }) },
      history,
      prng: this.prng,
    });
    process.on('SIGTERM', () => (this.stopping = true));
    process.on('SIGUSR2', () => (this.calm = true));
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.config.lanes }, () => this.lane()));
  }

  private async lane(): Promise<void> {
    while (!this.stopping) {
      const max = 1 + this.prng.below(3);
      const claim = await this.http.send(
        'claim',
        { agent_id: this.config.agentId, max },
        { method: 'POST', path: '/agent/tasks/claim', body: { max, lease_seconds: LEASE_SECONDS, wait_seconds: 2 } },
      );
      if (!wasAccepted(claim)) await sleep(this.prng.between(50, 300));
      else await Promise.all((claim.body as { items: Claimed[] }).items.map((item) => this.work(item)));
    }
  }

  private async work({ task, lease }: Claimed): Promise<void> {
    const manner = this.calm ? this.prng.weighted(CALM) : this.config.dawdles ? this.prng.weighted(LATE) : this.prng.weighted(MANNERS);
    await sleep(this.prng.between(5, this.calm ? 50 : 250));
    if (this.config.secrets.length > 0 && this.prng.next() < 0.15) await this.useSecret();
    switch (manner) {
      case 'completes':
        return this.complete(task.id, lease.fence);
      case 'fails':
        return this.untilCertain('fail', task.id, lease.fence, { error: `planned ${lease.fence}${this.mark}`, retryable: true });
      case 'gives up':
        return this.untilCertain('fail', task.id, lease.fence, { error: `for good ${lease.fence}${this.mark}`, retryable: false });
      case 'releases':
        return this.untilCertain('release', task.id, lease.fence, {});
      case 'dawdles':
        await sleep(this.prng.between(LEASE_SECONDS * 900, LEASE_SECONDS * 1600));
        return this.complete(task.id, lease.fence);
      case 'renews':
        return this.renewAndComplete(task.id, lease.fence);
      default:
        return manner satisfies never;
    }
  }

  private get mark(): string {
    return this.config.mark === undefined ? '' : ` ${this.config.mark}`;
  }

  private async useSecret(): Promise<void> {
    const { id, name } = this.prng.pick(this.config.secrets);
    await this.http.send('use-secret', { agent_id: this.config.agentId, secret_id: id }, { method: 'GET', path: `/agent/secrets/${name}` });
  }

  private async renewAndComplete(taskId: string, fence: number): Promise<void> {
    for (let times = 0; times < 4; times++) {
      await sleep((LEASE_SECONDS * 1000) / 3);
      await this.write('renew', taskId, fence, {});
    }
    // Whatever the renewals said: it is the plane that has to refuse.
    await this.complete(taskId, fence);
  }

  private async complete(taskId: string, fence: number): Promise<void> {
    const result = { by: `${this.config.agentId}/${fence}${this.mark}` };
    await this.untilCertain('complete', taskId, fence, { result });
    // Now and then once more, as a client whose answer got lost would.
    if (this.prng.next() < 0.05) await this.untilCertain('complete', taskId, fence, { result });
  }

  private async untilCertain(
    op: 'complete' | 'fail' | 'release',
    taskId: string,
    fence: number,
    more: Record<string, unknown>,
  ): Promise<void> {
    for (;;) {
      const { status } = await this.write(op, taskId, fence, more);
      if (status >= 200 && status < 500 && status !== 429) return;
      await sleep(this.prng.between(50, 500));
    }
  }

  private write<N extends OpName>(op: N, taskId: string, fence: number, more: Record<string, unknown>): Promise<OpOf<N>> {
    const request = { agent_id: this.config.agentId, task_id: taskId, fence, ...more } as never;
    return this.http.send(op, request, { method: 'POST', path: `/agent/tasks/${taskId}/${op}`, body: { fence, ...more } });
  }
}

const config = JSON.parse(process.argv[2] ?? '{}') as AgentClientConfig;
await new AgentClient(config, process.env['TORTURE_AGENT_TOKEN'] ?? '').run();
