import type pg from 'pg';
import type { LeafRow } from '../../core/audit/leaf.js';
import { GrowingTree } from '../../core/audit/merkle.js';
import { databaseErrorCode } from '../../platform/database/database-problem.js';
import { commit } from '../../platform/database/system-database.js';
import type { AuditSigner } from './audit-keys.js';
import type { AuditMarks } from './audit-marks.js';
import { HeldLogs, type HoldReason } from './held-logs.js';
import type { SealedUpTo } from './mark-file.js';
import { SealBatch, type UnsealedRow, UNSEALED } from './seal-batch.js';
import type { TreeAssessor } from './tree-assessor.js';
import { type Ask, hasLeftovers, treeOf } from './tree-states.js';

export const BATCH = 2_000;
const TREES_AT_ONCE = 1_000;
/** A signature each: others get their turn in between. */
const LOOKS_AT_ONCE = 100;

/** What a row was refused for by the tables: the fault of its tree, not of the database. */
const isOfTree = (error: unknown): boolean => /^(22|23)/.test(databaseErrorCode(error) ?? '');

/** What is sealed of one tenant or several. */
interface Sealing {
  rows: readonly { row: LeafRow }[];
  now: Date;
  place: SealedUpTo;
}

/** Seals rows in the session that leads. A tree that is not what was sealed is held, and all others go on. */
export class LogSealer {
  readonly held: HeldLogs;
  private readonly ask: Ask = async <T extends object>(text: string, values: unknown[]) => (await this.client.query<T>(text, values)).rows;

  constructor(
    private readonly client: pg.Client,
    /** It may have been replaced: whoever calls says which it is. */
    public signer: AuditSigner,
    private readonly marks: AuditMarks,
    private readonly assessor: TreeAssessor,
  ) {
    this.held = new HeldLogs(client, marks);
  }

  /** Seals one batch. @returns how many rows */
  async seal(): Promise<number> {
    const { rows } = await this.client.query<UnsealedRow>(UNSEALED, [BATCH]);
    if (rows.length === 0) return 0;
    try {
      await this.inTransaction((batch) => this.sealBatch(batch, rows, (sealing) => this.sealAll(batch, sealing)));
    } catch (error) {
      if (!isOfTree(error)) throw error;
      await this.inTransaction((batch) => this.sealBatch(batch, rows, (sealing) => this.sealEach(batch, sealing)));
    }
    return rows.length;
  }

  /** Looks at every tree that is not as this process knows it: what nobody adds to is held too. */
  async inspect(): Promise<void> {
    const seen = new Set<string>();
    const unknown: string[] = [];
    for (let after: string | null = null; ; ) {
      const trees: { tenant_id: string; size: string; peaks: Buffer }[] = await this.ask(
        'select tenant_id, size::text as size, peaks from audit_trees where $1::uuid is null or tenant_id > $1 order by tenant_id limit $2', [after, TREES_AT_ONCE],
      );
      for (const { tenant_id: id, size, peaks } of trees) {
        seen.add(id);
        if (!this.known(id, Number(size), peaks)) unknown.push(id);
      }
      if (trees.length < TREES_AT_ONCE) break;
      after = trees.at(-1)?.tenant_id ?? null;
    }
    unknown.push(...[...this.marks.all.keys()].filter((id) => !seen.has(id)));
    for (let at = 0; at < unknown.length; at += LOOKS_AT_ONCE) await this.inspectSome(unknown.slice(at, at + LOOKS_AT_ONCE));
  }

  /** Goes on with held logs that are right again, or that the operator has accepted. @returns whether one is not yet where the others are */
  async resume(): Promise<boolean> {
    let isBehind = false;
    await this.held.putBack();
    for (let some = await this.held.tenants(null); some.length > 0; some = await this.held.tenants(some.at(-1) ?? null)) {
      for (const { state, mark, finding } of await this.assessor.assess(this.ask, some)) {
        if (finding) await this.held.renew({ tenantId: state.tenantId, mark, finding });
        else if (!(await hasLeftovers(this.ask, state.tenantId, state.size))) isBehind = !(await this.catchUp(state.tenantId, state.size)) || isBehind;
      }
    }
    return isBehind;
  }

  private async sealBatch(batch: SealBatch, rows: readonly UnsealedRow[], seal: (sealing: Sealing) => Promise<void>): Promise<void> {
    const [first, last] = [rows[0], rows.at(-1)];
    if (!first || !last) return;
    if (!(await batch.begin(first))) throw new Error('The audit log was sealed by another session meanwhile.');
    await this.checkKey();
    await seal({ rows: rows.filter(({ held }) => !held), now: first.now, place: { tx: first.after_tx, id: first.after_id } });
    await batch.pass(last);
  }

  private async sealAll(batch: SealBatch, { rows, now, place }: Sealing): Promise<void> {
    const trees = await this.trees([...new Set(rows.map(({ row }) => row.tenant_id))], place);
    for (const row of rows) {
      const tree = trees.get(row.row.tenant_id);
      if (tree) batch.add(tree, row);
    }
    for (const [tenantId, tree] of trees) batch.sign(tenantId, tree, this.signer, now);
    await batch.write();
  }

  /** Like `sealAll`, after that has failed: each tenant for itself, so that what is wrong with one is no matter to the others. */
  private async sealEach(whole: SealBatch, { rows, now, place }: Sealing): Promise<void> {
    for (const [tenantId, own] of Map.groupBy(rows, ({ row }) => row.tenant_id)) {
      await this.client.query('savepoint log');
      const batch = new SealBatch(this.client);
      try {
        await this.sealAll(batch, { rows: await this.unsealed(tenantId, own), now, place });
        whole.checkpoints.push(...batch.checkpoints);
      } catch (error) {
        if (!isOfTree(error)) throw error;
        await this.client.query('rollback to savepoint log');
        await this.held.hold({ tenantId, mark: this.marks.get(tenantId), finding: { kind: 'rewritten', seq: 0, detail: 'Where the next rows of the log belong there is something else.' } }, place);
      }
    }
  }

  /** Rows that have no leaf yet: somebody may have moved the sequencer's place. */
  private async unsealed(tenantId: string, rows: Sealing['rows']): Promise<Sealing['rows']> {
    const leaves = await this.ask<{ row_id: string }>('select row_id from audit_leaves where tenant_id = $1 and row_id = any($2::uuid[])', [tenantId, rows.map(({ row }) => row.id)]);
    const sealed = new Set(leaves.map(({ row_id: id }) => id));
    return rows.filter(({ row }) => !sealed.has(row.id));
  }

  /** The trees that may be extended. Those that may not are held. */
  private async trees(tenantIds: readonly string[], place: SealedUpTo): Promise<Map<string, GrowingTree>> {
    const stored = await this.ask<{ tenant_id: string; size: string; peaks: Buffer }>('select tenant_id, size, peaks from audit_trees where tenant_id = any($1)', [tenantIds]);
    const known = new Map(stored.filter(({ tenant_id: id, size, peaks }) => this.known(id, Number(size), peaks)).map(({ tenant_id: id, size, peaks }) => [id, new GrowingTree(Number(size), peaks)]));
    const unknown = tenantIds.filter((id) => !known.has(id));
    for (const { state, mark, finding } of unknown.length === 0 ? [] : await this.assessor.assess(this.ask, unknown)) {
      if (finding) await this.held.hold({ tenantId: state.tenantId, mark, finding }, place);
      else known.set(state.tenantId, new GrowingTree(state.size, state.peaks));
    }
    return known;
  }

  /** Whether a tree is just as this process left it. */
  private known(tenantId: string, size: number, peaks: Buffer): boolean {
    const mark = this.marks.get(tenantId);
    return mark?.size === size && treeOf(size, peaks).root.equals(mark.root);
  }

  private async inspectSome(tenantIds: readonly string[]): Promise<void> {
    const reasons = (await this.assessor.assess(this.ask, tenantIds)).flatMap(({ state, mark, finding }): HoldReason[] => (finding ? [{ tenantId: state.tenantId, mark, finding }] : []));
    if (reasons.length === 0) return;
    await this.inTransaction(async () => {
      const place = await this.held.place();
      for (const reason of reasons) await this.held.hold(reason, place);
    });
  }

  /** Seals what was passed by while a log was held, a piece of it. @returns whether there is no more to do */
  private async catchUp(tenantId: string, size: number): Promise<boolean> {
    try {
      return await this.sealPassed(tenantId, size);
    } catch (error) {
      // It stays held.
      if (isOfTree(error)) return true;
      throw error;
    }
  }

  private async sealPassed(tenantId: string, size: number): Promise<boolean> {
    const upTo = await this.inTransaction(async (batch) => {
      const place = await this.held.place();
      await this.checkKey();
      await this.held.forgetPushed(tenantId, size);
      const passed = await this.held.passed(tenantId);
      const unsealed = passed.rows.filter(({ sealed }) => !sealed);
      if (unsealed.length > 0) await this.sealAll(batch, { rows: unsealed, now: await this.now(), place });
      if (batch.leaves.length < unsealed.length) throw new Error('The log was changed while it was looked at.');
      if (passed.upTo) await this.held.move(tenantId, passed.upTo);
      else await this.held.lift(tenantId);
      return passed.upTo;
    });
    this.held.moved(tenantId, upTo);
    return upTo === undefined;
  }

  /** Nothing more is signed with a key once it was replaced. */
  private async checkKey(): Promise<void> {
    if (!(await this.signer.isCurrent(this.client))) throw new Error('The key of the checkpoints has been replaced.');
  }

  private async now(): Promise<Date> {
    const [row] = await this.ask<{ now: Date }>('select clock_timestamp() as now', []);
    return row?.now ?? new Date();
  }

  private async inTransaction<T>(work: (batch: SealBatch) => Promise<T>): Promise<T> {
    await this.client.query('begin');
    const batch = new SealBatch(this.client);
    try {
      const result = await work(batch);
      await commit(this.client);
      this.remember(batch);
      return result;
    } catch (error) {
      await this.client.query('rollback');
      throw error;
    }
  }

  private remember({ checkpoints }: SealBatch): void {
    for (const { tenantId, size, root, time, note } of checkpoints) this.marks.set(tenantId, { size, root, time, note });
  }
}
