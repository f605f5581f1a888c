import { mkdirSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AdminClient } from '../admin-client.ts';
import { AgentProcess } from '../agent-process.ts';
import { type EmbeddedPostgres, startPostgres } from '../embedded.ts';
import { freePort, newSecret, PlaneProcess, projectNode } from '../plane-process.ts';
import { throwawayFolder } from '../throwaway-folder.ts';
import { CHECKS } from './definition.ts';
import { Receiver } from './receiver.ts';

/** All that runs for the demo: a database, two processes of one plane, three agents, two people, and a receiver of webhooks. */
export class Stage {
  readonly receiver = new Receiver();
  readonly agents: AgentProcess[] = [];
  /** The processes of the plane: the first one is going to be killed. */
  readonly planes: PlaneProcess[] = [];
  private readonly folder = throwawayFolder('wheelhouse-release-');
  private readonly starter: { email: string; password: string } = { email: 'starter@example.com', password: newSecret() };
  private readonly approver: { email: string; password: string } = { email: 'approver@example.com', password: newSecret() };
  private postgres: EmbeddedPostgres | undefined;

  async set(): Promise<void> {
    this.postgres = await startPostgres(join(this.folder, 'database'));
    const shared = {
      DATABASE_URL: this.postgres.url,
      MASTER_KEY: randomBytes(32).toString('hex'),
      JWT_SECRET: newSecret(),
      SETUP_TOKEN: newSecret(),
      // The receiver listens on this machine, where calls may not go by themselves.
      EGRESS_ALLOW: '127.0.0.1',
      LOG_LEVEL: 'warn',
    };
    for (const name of ['first', 'second']) {
      const data = join(this.folder, name);
      mkdirSync(data);
      const plane = new PlaneProcess({ PORT: String(await freePort()), WHEELHOUSE_DATA: data, ...shared });
      this.planes.push(plane);
      await plane.start();
    }
    const admin = this.clientOf(this.first, this.starter);
    await admin.setUp(shared.SETUP_TOKEN);
    await admin.request('POST', '/admin/users', { ...this.approver, full_name: 'Who approves', role: 'admin' });
    const { secret } = await admin.request<{ secret: string }>('POST', '/webhooks', { url: await this.receiver.start(), events: ['workflow.run'], order_by: 'run_id' });
    this.receiver.secret = secret;
    for (const tool of CHECKS) await this.hire(admin, tool);
  }

  /** Who starts the run, by the process that will be killed. */
  starterAtFirst(): AdminClient {
    return this.clientOf(this.first, this.starter);
  }

  starterAtSecond(): AdminClient {
    return this.clientOf(this.second, this.starter);
  }

  /** Somebody else: who starts a run approves nothing that it asks for. */
  approverAtSecond(): AdminClient {
    return this.clientOf(this.second, this.approver);
  }

  get first(): PlaneProcess {
    return this.plane(0);
  }

  get second(): PlaneProcess {
    return this.plane(1);
  }

  async strike(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.stop()));
    await Promise.all(this.planes.map((plane) => plane.stop()));
    await this.receiver.stop();
    await this.postgres?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An agent with one tool; it talks to the process that stays. */
  private async hire(admin: AdminClient, tool: string): Promise<void> {
    const name = `${tool}-agent`;
    const { id, token } = await admin.request<{ id: string; token: string }>('POST', '/agents', { name, enabled_tools: [tool], max_concurrent_tasks: 1 });
    const command = [projectNode(), join(process.cwd(), 'scripts', 'demo', 'workflow', 'check.mjs')].map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(' ');
    this.agents.push(new AgentProcess({ id, name, token, url: this.second.url, command, concurrency: 1, leaseSeconds: 10 }));
  }

  private clientOf(plane: PlaneProcess, account: { email: string; password: string }): AdminClient {
    return new AdminClient(plane.url, account);
  }

  private plane(index: number): PlaneProcess {
    const plane = this.planes[index];
    if (!plane) throw new Error('the plane has not been started');
    return plane;
  }
}
