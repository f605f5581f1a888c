import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type JobWithMetadata, PgBoss } from 'pg-boss';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { Config } from '../config/config.js';
import { RequestContext } from '../context/request-context.js';
import { DatabaseListener } from '../database/listener.js';
import { Sql } from '../database/sql.js';
import { SystemDatabase } from '../database/system-database.js';
import { afterCommit } from '../database/tenant-transaction.adapter.js';
import { DEAD_LETTERS, DEAD_LETTER_QUEUE, type DeadJob, type Definition, type EnqueueOptions, type Envelope, type JobHandler, type JobOptions, queueOf, type Schedule } from './job.js';
import { JOBS_SCHEMA } from './job-schema.js';
import { ParkedJobs } from './parked-jobs.js';
import { TurnsQueue } from './turns-queue.js';

const WAKE_CHANNEL = 'wheelhouse_jobs';
const WORK = { pollingIntervalSeconds: 2, includeMetadata: true } as const;
const UNHEALTHY_MS = 60_000;
/** Between looks for jobs that have ended and are kept no longer. */
const MAINTENANCE_SECONDS = 600;

/**
 * Background jobs (pg-boss): what must be retried by itself, at a time, or by the clock. A job is added in the
 * transaction of the change that asks for it, runs in the context of its tenant, at least once, and ends either done
 * or among the dead letters. Its worker shows signs of life; when they stop, another worker takes the job. While its
 * tenant is suspended, it waits.
 */
@Injectable()
export class Jobs implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Jobs.name);
  private readonly definitions = new Map<string, Definition>();
  private readonly schedules: Schedule[] = [];
  private readonly workers = new Map<string, string[]>();
  private readonly inTurns = new Map<string, TurnsQueue>();
  private readonly boss: PgBoss;
  private lastAnswer = 0;
  private started = false;

  constructor(
    private readonly config: Config,
    private readonly context: RequestContext,
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
    private readonly listener: DatabaseListener,
    private readonly parked: ParkedJobs,
  ) {
    this.boss = this.makeBoss();
    listener.on(WAKE_CHANNEL, (name) => this.wake(name));
  }

  /**
   * Says what is done for jobs of a name; call it in `onModuleInit`. The handler must bear being run twice: after a
   * crash the job runs again.
   */
  define<T extends object>(name: string, handler: JobHandler<T>, options: JobOptions = {}): void {
    if (this.started || this.definitions.has(name)) throw new Error(`The job ${name} is defined twice or too late.`);
    this.definitions.set(name, { name, handler: handler as JobHandler<object>, options });
  }

  /** Adds a job by the clock (cron, UTC), for the operator's tenant; call it in `onModuleInit`, after `define`. Each tick makes one job however many processes run. */
  schedule(name: string, cron: string, data: object = {}): void {
    this.schedules.push({ name, cron, data });
  }

  /**
   * Adds a job for the running tenant, in the running transaction: a rollback takes it along.
   * @returns its id; undefined when one with the same singletonKey waits already
   */
  async enqueue<T extends object>(name: string, data: T, { startAfter, singletonKey }: EnqueueOptions = {}): Promise<string | undefined> {
    const definition = this.definitions.get(name);
    if (!definition) throw new Error(`There is no job ${name}.`);
    if ((definition.options.onePerKey === true) !== (singletonKey !== undefined)) throw new Error(`The job ${name} ${singletonKey === undefined ? 'needs a' : 'takes no'} singletonKey.`);
    if (!this.sql.manager.queryRunner?.isTransactionActive) throw new Error(`The job ${name} is enqueued outside of a transaction.`);
    const { tenantId, requestId } = this.context;
    const envelope: Envelope = { tenant_id: tenantId, ...(requestId === undefined ? {} : { request_id: requestId }), data };
    return this.send(name, envelope, { ...(startAfter === undefined ? {} : { startAfter }), ...(singletonKey === undefined ? {} : { singletonKey: `${tenantId}:${singletonKey}` }) });
  }

  /** Puts back what waited while the running tenant was suspended, in the transaction that resumes it. */
  async unpark(): Promise<void> {
    for (const { name, singletonKey, ...envelope } of await this.parked.take(this.context.tenantId, [...this.definitions.keys()])) {
      await this.send(name, envelope, singletonKey === undefined ? {} : { singletonKey });
    }
  }

  /** The running tenant's jobs that failed for good, newest first. */
  async deadLetters(limit = 100): Promise<DeadJob[]> {
    return this.database.query<DeadJob>(
      `select id, source_name as name, data -> 'data' as data, source_output as error, source_retry_count + 1 as attempts, source_created_on as created_at, created_on as failed_at
       from ${JOBS_SCHEMA}.job where name = $1 and data ->> 'tenant_id' = $2 order by created_on desc, id desc limit $3`,
      [DEAD_LETTERS, this.context.tenantId, limit],
    );
  }

  /** Whether jobs can be added and, where this process runs them, are being looked for. */
  get healthy(): boolean {
    return this.started && (!this.config.runsJobs || performance.now() - this.lastAnswer < UNHEALTHY_MS);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.boss.start();
    await this.makeQueues();
    this.started = true;
    if (!this.config.runsJobs) return;
    for (const { name, cron, data } of this.schedules) {
      await this.boss.schedule(name, cron, { tenant_id: OPERATOR_TENANT_ID, data } satisfies Envelope, { tz: 'UTC' });
    }
    for (const definition of this.definitions.values()) await this.work(definition);
  }

  /** Lets running jobs end; those that do not in time are given back and run again elsewhere. */
  async beforeApplicationShutdown(): Promise<void> {
    const timeout = this.config.get('SHUTDOWN_SECONDS') * 800;
    await Promise.all([...this.inTurns.values()].map((queue) => queue.stop(timeout)));
    await this.boss.stop({ graceful: true, timeout });
  }

  private makeBoss(): PgBoss {
    const boss = new PgBoss({
      db: { executeSql: (text: string, values?: unknown[]) => this.execute(text, values) },
      schema: JOBS_SCHEMA,
      migrate: false,
      supervise: this.config.runsJobs,
      schedule: this.config.runsJobs,
      superviseIntervalSeconds: 10,
      maintenanceIntervalSeconds: MAINTENANCE_SECONDS,
      monitorIntervalSeconds: 10,
      cronMonitorIntervalSeconds: 15,
      cronWorkerIntervalSeconds: 2,
      // Indexes are the owner's to rebuild.
      reindex: false,
      openTelemetry: { enabled: false },
    });
    boss.on('error', (error: Error) => this.logger.warn(`Jobs: ${error.message}`));
    boss.on('warning', ({ message }: { message: string }) => this.logger.warn(`Jobs: ${message}`));
    return boss;
  }

  private async execute(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> {
    const result = await this.database.pool.query(text, values);
    this.lastAnswer = performance.now();
    return result as { rows: unknown[] };
  }

  private async makeQueues(): Promise<void> {
    const known = new Set((await this.boss.getQueues()).map(({ name }) => name));
    if (!known.has(DEAD_LETTERS)) await this.boss.createQueue(DEAD_LETTERS, DEAD_LETTER_QUEUE);
    for (const { name, options } of this.definitions.values()) {
      const queue = queueOf(options);
      if (!known.has(name)) await this.boss.createQueue(name, { ...queue, ...(options.onePerKey ? { policy: 'short' } : {}) });
      else if (this.config.runsJobs) await this.boss.updateQueue(name, queue);
    }
  }

  private async work(definition: Definition): Promise<void> {
    if (definition.options.inTurns) {
      const queue = new TurnsQueue(this.boss, definition, (job) => this.run(definition, job));
      this.inTurns.set(definition.name, queue);
      queue.start();
      return;
    }
    const ids: string[] = [];
    this.workers.set(definition.name, ids);
    for (let index = 0; index < (definition.options.concurrency ?? 1); index += 1) {
      const id: string = await this.boss.work<Envelope, undefined, typeof WORK>(definition.name, WORK, async (jobs) => {
        for (const job of jobs) await this.run(definition, job);
        // There may be more: look at once instead of after the pause.
        setImmediate(() => this.boss.notifyWorker(id));
      });
      ids.push(id);
    }
  }

  private async send(name: string, envelope: Envelope, options: { startAfter?: Date | number; singletonKey?: string }): Promise<string | undefined> {
    const db = { executeSql: async (text: string, values?: unknown[]) => ({ rows: await this.sql.rows(text, values) }) };
    const group = this.definitions.get(name)?.options.inTurns ? { group: { id: envelope.tenant_id } } : {};
    const id = await this.boss.send(name, envelope, { ...options, ...group, db });
    if (id !== null && options.startAfter === undefined) afterCommit(() => this.listener.notify(WAKE_CHANNEL, name));
    return id ?? undefined;
  }

  private async run({ name, handler, options }: Definition, job: JobWithMetadata<Envelope>): Promise<void> {
    const { tenant_id, request_id, data } = job.data;
    const attempt = job.retryCount + 1;
    try {
      if (!options.whileSuspended && (await this.parked.park(name, job))) return;
      await this.context.runAsSystem(tenant_id, name, () => handler(data, { id: job.id, attempt, signal: job.signal }), request_id);
    } catch (error) {
      const dead = job.retryCount >= job.retryLimit;
      this.logger[dead ? 'error' : 'warn']({ err: error, job: job.id, name, attempt }, dead ? 'A job failed for good.' : 'A job failed; it is tried again.');
      throw error;
    }
  }

  private wake(name: string): void {
    this.inTurns.get(name)?.wake();
    for (const id of this.workers.get(name) ?? []) this.boss.notifyWorker(id);
  }
}
