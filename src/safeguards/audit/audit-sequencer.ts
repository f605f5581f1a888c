import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { Config } from '../../platform/config/config.js';
import { ADVISORY_LOCKS } from '../../platform/database/advisory-locks.js';
import { poolOptions } from '../../platform/database/pool-options.js';
import { SYSTEM_ROLE } from '../../platform/database/tenant-table.js';
import { Loops } from '../../platform/jobs/loops.js';
import { AuditMarks } from './audit-marks.js';
import { AuditSigners } from './audit-signers.js';
import { BATCH, LogSealer } from './log-sealer.js';
import { TreeAssessor } from './tree-assessor.js';

const TURN_MS = 200;
/** How often a process that does not lead asks whether it may. */
const TRY_MS = 1_000;
/** How often the leader looks at logs that are held; less often when that takes long. */
const LOOK_MS = 1_000;
const SHARE_OF_TIME = 10;
/** How often it looks at those that nobody adds to. */
const INSPECT_MS = 60_000;
/** A session whose machine has gone is ended within half a minute, and its lock with it. */
const KEEPALIVE = '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3';

/**
 * Seals the rows of the audit log into the trees of their tenants. One process does so at a time: the one whose session
 * holds the lock. Rows are taken in the order of their transactions, up to the oldest that still runs, so that no row of a
 * late commit is passed by. All that is written for a batch is one transaction: a process that dies leaves a whole tree.
 * Before it adds to a tree it sees whether that is the one which was sealed, by what this process knows from elsewhere.
 */
@Injectable()
export class AuditSequencer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(AuditSequencer.name);
  private client: pg.Client | undefined;
  /** Whether the lock is this session's. */
  private isLeading = false;
  /** There when this process leads and may sign. */
  private sealer: LogSealer | undefined;
  private nextTry = 0;
  private nextLook = 0;
  private nextInspection = 0;
  private saidThatNothingIsKnown = false;

  constructor(
    private readonly config: Config,
    private readonly loops: Loops,
    private readonly signers: AuditSigners,
    private readonly marks: AuditMarks,
    private readonly assessor: TreeAssessor,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.runsJobs) this.loops.every('audit-sequencer', TURN_MS, (signal) => this.turn(signal));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.marks.flush().finally(() => this.resign());
  }

  /** Seals all there is, if this process leads. */
  private async turn(signal: AbortSignal): Promise<void> {
    try {
      const client = await this.lead();
      // Who leads and may not sign goes on leading: another process may know less.
      const signer = client && (await this.signers.forSealing());
      if (!client || !signer) return;
      const sealer = (this.sealer ??= new LogSealer(client, signer, this.marks, this.assessor));
      sealer.signer = signer;
      if (performance.now() >= this.nextInspection) {
        await sealer.inspect();
        this.nextInspection = performance.now() + INSPECT_MS;
      }
      while (!signal.aborted && (await sealer.seal()) === BATCH);
      if (performance.now() >= this.nextLook) await this.look(sealer);
    } catch (error) {
      await this.resign();
      throw error;
    }
  }

  private async look(sealer: LogSealer): Promise<void> {
    const start = performance.now();
    const isBehind = await sealer.resume();
    const end = performance.now();
    this.nextLook = isBehind ? end : end + Math.max(LOOK_MS, (end - start) * SHARE_OF_TIME);
  }

  /** @returns undefined when another process leads */
  private async lead(): Promise<pg.Client | undefined> {
    if (this.isLeading) return this.client;
    if (performance.now() < this.nextTry) return undefined;
    this.nextTry = performance.now() + TRY_MS;
    const client = (this.client ??= await this.connect());
    const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [ADVISORY_LOCKS.auditSequencer]);
    if (rows[0]?.got !== true) return undefined;
    await this.begin(client);
    return client;
  }

  private async begin(client: pg.Client): Promise<void> {
    await this.marks.load();
    [this.nextInspection, this.nextLook] = [0, 0];
    if (this.marks.all.size === 0 && !this.saidThatNothingIsKnown) await this.sayThatNothingIsKnown(client);
    this.isLeading = true;
  }

  private async sayThatNothingIsKnown(client: pg.Client): Promise<void> {
    const { rowCount } = await client.query('select from audit_trees limit 1');
    if (rowCount === 0) return;
    this.saidThatNothingIsKnown = true;
    this.logger.warn('WHEELHOUSE_DATA holds no marks of the audit log of this installation: what the database holds now is taken for what was sealed.');
  }

  private async connect(): Promise<pg.Client> {
    const options = poolOptions(this.config, SYSTEM_ROLE, 1);
    const client = new pg.Client({ ...options, options: `${options.options ?? ''} ${KEEPALIVE}` });
    // A session that ends takes its lock along; the next turn learns of it by its first statement.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  private async resign(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.isLeading = false;
    this.sealer = undefined;
    // Whatever is wrong with the session, it is not used again.
    await client?.end().catch(() => undefined);
  }
}
