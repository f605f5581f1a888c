import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { signCheckpoint } from '../../core/audit/checkpoint.js';
import { leafOf } from '../../core/audit/leaf.js';
import { GrowingTree } from '../../core/audit/merkle.js';
import { Config } from '../../platform/config/config.js';
import { ADVISORY_LOCKS } from '../../platform/database/advisory-locks.js';
import { poolOptions } from '../../platform/database/pool-options.js';
import { commit } from '../../platform/database/system-database.js';
import { SYSTEM_ROLE } from '../../platform/database/tenant-table.js';
import { Loops } from '../../platform/jobs/loops.js';
import { AuditKeys, type AuditSigner } from './audit-keys.js';
import { SealBatch, type UnsealedRow, UNSEALED } from './seal-batch.js';

const TURN_MS = 200;
/** How often a process that does not lead asks whether it may. */
const TRY_MS = 1_000;
const BATCH = 2_000;
/** A session whose machine has gone is ended within half a minute, and its lock with it. */
const KEEPALIVE = '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3';

/**
 * Seals the rows of the audit log into the trees of their tenants. One process does so at a time: the one whose session
 * holds the lock. Rows are taken in the order of their transactions, up to the oldest that still runs, so that no row of a
 * late commit is passed by. All that is written for a batch is one transaction: a process that dies leaves a whole tree.
 */
@Injectable()
export class AuditSequencer implements OnApplicationBootstrap, OnApplicationShutdown {
  private client: pg.Client | undefined;
  private leads = false;
  private nextTry = 0;

  constructor(
    private readonly config: Config,
    private readonly loops: Loops,
    private readonly keys: AuditKeys,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.runsJobs) this.loops.every('audit-sequencer', TURN_MS, (signal) => this.turn(signal));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.resign();
  }

  /** Seals all there is, if this process leads. */
  private async turn(signal: AbortSignal): Promise<void> {
    try {
      const client = await this.lead();
      if (!client) return;
      const signer = await this.keys.signer();
      while (!signal.aborted && (await seal(client, signer)) === BATCH);
    } catch (error) {
      await this.resign();
      throw error;
    }
  }

  /** @returns the session that holds the lock; undefined when another process has it */
  private async lead(): Promise<pg.Client | undefined> {
    if (this.leads) return this.client;
    if (performance.now() < this.nextTry) return undefined;
    this.nextTry = performance.now() + TRY_MS;
    const client = (this.client ??= await this.connect());
    const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [ADVISORY_LOCKS.auditSequencer]);
    this.leads = rows[0]?.got === true;
    return this.leads ? client : undefined;
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
    this.leads = false;
    // Whatever is wrong with the session, it is not used again.
    await client?.end().catch(() => undefined);
  }
}

/** Seals one batch. @returns how many rows */
async function seal(client: pg.Client, signer: AuditSigner): Promise<number> {
  const { rows } = await client.query<UnsealedRow>(UNSEALED, [BATCH]);
  const [first, last] = [rows[0], rows.at(-1)];
  if (!first || !last) return 0;
  await client.query('begin');
  try {
    const batch = new SealBatch(client);
    if (!(await batch.begin(first)) || !(await signer.isCurrent(client))) throw new Error('The audit log was sealed by another session meanwhile, or its key replaced.');
    const trees = await batch.trees(rows);
    for (const row of rows) add(batch, trees, row);
    for (const [tenantId, tree] of trees) {
      const checkpoint = { origin: signer.originOf(tenantId), size: tree.size, root: tree.root(), time: first.now.toISOString() };
      batch.checkpoints.push({ tenantId, ...checkpoint, note: signCheckpoint(checkpoint, signer.key), peaks: tree.state });
    }
    await batch.write(last);
    await commit(client);
    return rows.length;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

function add(batch: SealBatch, trees: ReadonlyMap<string, GrowingTree>, { row }: UnsealedRow): void {
  const tree = trees.get(row.tenant_id);
  if (!tree) throw new Error('A row has no tree.');
  const hash = leafOf(row, tree.size);
  batch.leaves.push({ tenantId: row.tenant_id, seq: tree.size, rowId: row.id, hash });
  batch.nodes.push(...tree.append(hash).map((node) => ({ tenantId: row.tenant_id, ...node })));
}
