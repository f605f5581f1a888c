import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type EmbeddedPostgres, startPostgres } from '../../scripts/demo/embedded.ts';
import type { KillLog } from './kill-log.ts';
import { freePort, newSecret, PlaneProcess } from '../../scripts/demo/plane-process.ts';

/** Two processes that answer and do jobs, and two that only do jobs, on one embedded PostgreSQL: four that move runs and make calls. */
export class Cluster {
  readonly setupToken = newSecret();
  readonly processes: PlaneProcess[] = [];
  /** What processes did that no process may do: end by themselves, or not end when told to. */
  readonly misbehaviour: string[] = [];
  private readonly folder: string;
  private readonly nodeOptions: (index: number) => string;
  private readonly kills: KillLog;
  private readonly expected = new Set<PlaneProcess>();
  /** Those that are being started again by the supervisor. */
  private readonly reviving = new Map<PlaneProcess, Promise<void>>();
  private postgres: EmbeddedPostgres | undefined;
  private supervising = false;
  private supervisor: Promise<void> | undefined;

  /** @param kills tells of processes that ended themselves, as they are meant to; @param nodeOptions NODE_OPTIONS of each process: what is to be wrong with it */
  constructor(folder: string, kills: KillLog, nodeOptions: (index: number) => string) {
    this.folder = folder;
    this.kills = kills;
    this.nodeOptions = nodeOptions;
  }

  get apis(): PlaneProcess[] {
    return this.processes.slice(0, 2);
  }

  get workers(): PlaneProcess[] {
    return this.processes.slice(2);
  }

  /** For the command line program: the database, and the file of master keys that all processes share. */
  get settings(): Record<string, string> {
    return { DATABASE_URL: this.database.url, MASTER_KEY_FILE: join(this.folder, 'master-key') };
  }

  get urls(): string[] {
    return this.apis.map(({ url }) => url);
  }

  async start(): Promise<void> {
    this.postgres = await startPostgres(join(this.folder, 'data'));
    const secret = newSecret();
    writeFileSync(this.settings['MASTER_KEY_FILE'] ?? '', randomBytes(32).toString('hex'), { mode: 0o600 });
    for (const role of ['all', 'all', 'worker', 'worker'] as const) {
      const data = join(this.folder, `process-${this.processes.length + 1}`);
      mkdirSync(data);
      const settings = {
        PORT: String(await freePort()),
        WHEELHOUSE_DATA: data,
        ...this.settings,
        PROCESS_ROLE: role,
        DATABASE_POOL: '8',
        EGRESS_ALLOW: '127.0.0.1',
      };
      const security = { SETUP_TOKEN: this.setupToken, JWT_SECRET: secret, TRUST_PROXY: 'loopback', ACCESS_TOKEN_SECONDS: '86400', LOG_LEVEL: 'error' };
      this.processes.push(
        new PlaneProcess({ ...settings, ...security, NODE_OPTIONS: this.nodeOptions(this.processes.length) }),
      );
    }
    for (const process of this.processes) await process.start();
    this.supervising = true;
    this.supervisor = this.supervise();
  }

  /** Starts again whatever has ended, as an operator's supervisor would. */
  private async supervise(): Promise<void> {
    while (this.supervising) {
      await Promise.all(this.processes.map((process, index) => this.revive(process, index)));
      await sleep(100);
    }
  }

  private async revive(process: PlaneProcess, index: number): Promise<void> {
    if (process.isRunning || this.expected.has(process)) return;
    this.blame(process, `process ${index + 1} ended by itself:\n${process.lastOutput}`);
    const started = this.startAgain(process).finally(() => this.reviving.delete(process));
    this.reviving.set(process, started);
    await started;
  }

  /** Unless it ended as it was meant to. */
  private blame(process: PlaneProcess, what: string): void {
    if (!this.kills.hasEnded(process.pid)) this.misbehaviour.push(what);
  }

  /** A start while the database is away ends at once; it is then tried again. */
  private async startAgain(process: PlaneProcess): Promise<void> {
    const limit = Date.now() + 60_000;
    for (;;) {
      try {
        return await process.start();
      } catch (error) {
        if (Date.now() > limit) throw error;
        await process.kill();
        await sleep(200);
      }
    }
  }

  /** Ends a process by a signal, waits a while, and starts it again. */
  async bounce(process: PlaneProcess, how: 'SIGKILL' | 'SIGTERM', pauseMs: number): Promise<void> {
    this.expected.add(process);
    try {
      await this.reviving.get(process);
      if (how === 'SIGKILL') await process.kill();
      else await process.stop().catch((error: unknown) => this.blame(process, String(error)));
      await sleep(pauseMs);
      await this.startAgain(process);
    } finally {
      this.expected.delete(process);
    }
  }

  /** Restarts the database; `crash` without a checkpoint, as when the machine lost its power but not its disk. */
  async restartPostgres(crash: boolean, pauseMs: number): Promise<void> {
    const running = this.database;
    if (crash) process.kill(postmasterOf(running.dataDir), 'SIGQUIT');
    await running.stop();
    await sleep(pauseMs);
    this.postgres = await startPostgres(join(this.folder, 'data'));
    if (this.postgres.url !== running.url) throw new Error('PostgreSQL came back on another port');
  }

  /** Cuts every connection of the plane. */
  async cutConnections(): Promise<number> {
    const rows = await this.query<{ n: number }>(
      `select count(pg_terminate_backend(pid))::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    return rows[0]?.n ?? 0;
  }

  /** As the superuser, who sees every tenant. */
  async query<T extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<T[]> {
    const url = new URL(this.database.adminUrl);
    url.pathname = new URL(this.database.url).pathname;
    const client = new pg.Client({ connectionString: url.toString() });
    await client.connect();
    try {
      return (await client.query<T>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    this.supervising = false;
    await this.supervisor;
    await Promise.all(this.processes.map((process) => process.stop()));
    await this.postgres?.stop();
  }

  private get database(): EmbeddedPostgres {
    if (!this.postgres) throw new Error('PostgreSQL is not running');
    return this.postgres;
  }
}

function postmasterOf(home: string): number {
  return Number(readFileSync(join(home, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}
