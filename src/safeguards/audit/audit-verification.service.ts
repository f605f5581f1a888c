import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { type OpenedNote, openNote, publicKeyOf, verifierKey } from '../../core/audit/checkpoint.js';
import { signedTooLate } from '../../core/audit/key-handover.js';
import { asSealed, type Finding, LogVerifier, type Measure } from '../../core/audit/log-verifier.js';
import { HASH_BYTES } from '../../core/audit/merkle.js';
import { SeqRanges } from '../../core/audit/seq-ranges.js';
import { type Mark, markAfter, type OpenedRestore } from '../../core/audit/restore-statement.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import { AuditContents } from './audit-contents.js';
import { AuditHoldsRepository } from './audit-holds.repository.js';
import { AuditKeys, type Verifiers } from './audit-keys.js';
import { AuditLogRepository, type CheckpointRow, type StoredLeaf } from './audit-log.repository.js';
import { AuditMarks } from './audit-marks.js';
import { AuditSigners } from './audit-signers.js';
import { StoredTreeCheck } from './stored-tree-check.js';
import { TreeAssessor } from './tree-assessor.js';

/** Others get their turn between two pages. */
const PAGE = 250;
/** What stands for bytes that nobody sealed here: it fits no row. */
const UNREADABLE = { text: 'null', salt: Buffer.alloc(HASH_BYTES) };
const MOST_CHECKPOINTS = 10_000;
/** More are only counted. */
const MOST_RANGES = 1_000;
/** Each takes about a tenth of a millisecond: others get their turn in between. */
const SIGNATURES_AT_ONCE = 50;

/** What a recomputation of a tenant's log came to. */
export interface Verification {
  /** How many rows were looked at. */
  rows: number;
  size: number;
  root: Buffer;
  checkpoint: CheckpointRow | undefined;
  /** Rows that the sequencer has still to take. */
  waiting: number;
  finding: Finding | undefined;
  /** Rows whose content was erased. */
  erased: SeqRanges;
  /** What the operator has accepted in place of a log that had been sealed, the oldest first. */
  restores: readonly OpenedRestore[];
}

/** Recomputes the tree of the running tenant from its rows, and measures it against its checkpoints. */
@Injectable()
export class AuditVerificationService {
  constructor(
    private readonly context: RequestContext,
    private readonly log: AuditLogRepository,
    private readonly contents: AuditContents,
    private readonly keys: AuditKeys,
    private readonly holds: AuditHoldsRepository,
    private readonly marks: AuditMarks,
    private readonly signers: AuditSigners,
    private readonly assessor: TreeAssessor,
    private readonly database: TenantDatabase,
  ) {}

  /** @param external a checkpoint that the caller kept */
  async verify(external?: { size: number; root: Buffer }): Promise<Verification> {
    const { tenantId } = this.context;
    // Before anything of the database: what is sealed meanwhile is beyond the mark.
    const { mark, restores } = await this.known(tenantId);
    const extent = await this.log.extent(tenantId);
    const checkpoint = await this.log.newestCheckpoint(tenantId);
    const size = checkpoint?.size ?? 0;
    const [verifiers, origin] = await Promise.all([this.keys.allVerifiers(), this.keys.originOf(tenantId)]);
    const foreign = foreignKey(verifiers, origin) ?? (await this.otherKey());
    const { measures, unsigned } = await this.measures(tenantId, size, verifiers.keys, origin);
    if (external) measures.push({ origin: '', time: '', ...external, external: true });
    if (mark && mark.size > 0 && mark.size <= size) measures.push({ ...mark, origin: '', external: true, named: 'noted ' });
    const nodes = new StoredTreeCheck(this.log, tenantId);
    const verifier = new LogVerifier(measures, nodes.add);
    // What is signed with a key that was put in says less than that the key was.
    if (unsigned) verifier.report(foreign ?? unsigned);
    const erased = new SeqRanges(MOST_RANGES);
    await this.addAll(tenantId, size, verifier, erased, nodes);
    const { waiting, passed } = await this.log.withoutLeaf(tenantId);
    verifier.finish();
    for (const finding of [shortness(extent), await this.held(tenantId), shortOf(mark, size)]) if (finding) verifier.report(finding);
    if (passed !== null) verifier.report({ kind: 'inserted', seq: verifier.size, row_id: passed, detail: `Row ${passed} was put in behind the sequencer's back: it belongs before rows that are sealed, and is not.` });
    if (foreign) verifier.report(foreign);
    // Last: whatever is wrong with the rows says more.
    if (nodes.finding) verifier.report(nodes.finding);
    return { rows: verifier.size, size, root: verifier.root, checkpoint, waiting, finding: verifier.finding, erased, restores };
  }

  /** What this process knows of the log from elsewhere than the database, and what was accepted in place of that. */
  private async known(tenantId: string): Promise<{ mark: Mark | undefined; restores: readonly OpenedRestore[] }> {
    await this.marks.load();
    const mark = this.marks.get(tenantId);
    const restores = (await this.assessor.restores((text, values) => this.database.statement(tenantId, text, values), [tenantId])).get(tenantId) ?? [];
    return { mark: markAfter(mark, restores), restores };
  }

  /** The key that the database offers is not the one that is known. */
  private async otherKey(): Promise<Finding | undefined> {
    const detail = await this.signers.fault();
    return detail === undefined ? undefined : { kind: 'foreign', seq: 0, row_id: null, detail };
  }

  private async held(tenantId: string): Promise<Finding | undefined> {
    const hold = await this.holds.of(tenantId);
    return hold && { kind: hold.kind, seq: hold.seq, row_id: null, detail: hold.detail };
  }

  private async addAll(tenantId: string, size: number, verifier: LogVerifier, erased: SeqRanges, nodes: StoredTreeCheck): Promise<void> {
    for (let next = 0; next < size; ) {
      const leaves = await this.log.leavesFrom(tenantId, next, size, PAGE);
      for (const leaf of leaves) await this.add(leaf, verifier, erased);
      await nodes.compare();
      const last = leaves.at(-1);
      if (!last || verifier.isSettled) return;
      next = last.seq + 1;
      await nextTurn();
    }
  }

  private async add({ seq, row_id: rowId, leaf_hash: leafHash, row, stored, label }: StoredLeaf, verifier: LogVerifier, erased: SeqRanges): Promise<void> {
    if (!row) {
      verifier.addMissing(seq, rowId);
      return;
    }
    const content = stored ? await this.contents.text(stored) : 'missing';
    if (content === 'erased') erased.add(seq);
    verifier.add(asSealed({ seq, row, leafHash, content: content === 'damaged' ? UNREADABLE : typeof content === 'string' ? null : content }));
    if (content === 'missing') verifier.report({ kind: 'content_missing', seq, row_id: rowId, detail: `The content of row ${seq}, or the key to it, is not there, and no purge is on record that erased it.` });
    if (typeof content !== 'string' && !(await this.isFoundBy(row.tenant_id, content.text, stored?.content_form, label))) {
      verifier.report({ kind: 'edited', seq, row_id: rowId, detail: `Row ${seq} is found under another name than the one it was written with.` });
    }
  }

  /** The name that a row is found by stands outside of its leaf: it is held against the content, which does not. */
  private async isFoundBy(tenantId: string, text: string, form: number | undefined, { plain, hash }: StoredLeaf['label']): Promise<boolean> {
    if (form === 0) return true;
    return plain === null && (await this.contents.isFoundBy(tenantId, text, hash));
  }

  /** The log's own checkpoints. One that is not signed by this installation, or says something else than its columns, is itself a finding. */
  private async measures(tenantId: string, size: number, keys: Verifiers['keys'], origin: string): Promise<{ measures: Measure[]; unsigned: Finding | undefined }> {
    const measures: OpenedNote[] = [];
    for (const row of await this.log.someCheckpoints(tenantId, size, MOST_CHECKPOINTS)) {
      const opened = openedOr(row.note, keys);
      if (opened?.origin !== origin || opened.size !== row.size || !opened.root.equals(row.root)) {
        const detail = `The checkpoint of ${row.size} rows is not signed by this installation, or not what was signed.`;
        return { measures, unsigned: unsigned(row.size, detail) };
      }
      measures.push(opened);
      if (measures.length % SIGNATURES_AT_ONCE === 0) await nextTurn();
    }
    const late = signedTooLate(measures);
    return { measures, unsigned: late && unsigned(late.size, `The checkpoint of ${late.size} rows is signed with a key that had been replaced when the log had less.`) };
  }
}

const unsigned = (seq: number, detail: string): Finding => ({ kind: 'unsigned', seq, row_id: null, detail });

/** What was sealed is there at least. */
function shortOf(mark: Mark | undefined, size: number): Finding | undefined {
  if (!mark || mark.size <= size) return undefined;
  return { kind: 'restored', seq: size, row_id: null, detail: `The log ends before row ${size}; a checkpoint of ${mark.size} rows had been sealed: an older state was put back, or the log taken away.` };
}

/** Each part of the log is written with all others: one that goes less far was cut, or put back from before. */
function shortness({ checkpoint, tree, leaves, pushed }: Awaited<ReturnType<AuditLogRepository['extent']>>): Finding | undefined {
  const most = Math.max(tree, leaves);
  if (pushed > Math.max(most, checkpoint)) {
    return { kind: 'restored', seq: checkpoint, row_id: null, detail: `A checkpoint of ${pushed} rows has left this installation; the log ends before row ${checkpoint}: an older state was put back, or the tail cut off.` };
  }
  return most <= checkpoint ? undefined : { kind: 'cut', seq: checkpoint, row_id: null, detail: `Checkpoints from ${checkpoint} rows on are missing: the log had ${most}.` };
}

/** A public key that somebody put among those of this installation: nothing is believed for being signed with it. */
function foreignKey({ foreign: [row] }: Verifiers, origin: string): Finding | undefined {
  if (!row) return undefined;
  const name = row.publicKey?.length === HASH_BYTES ? verifierKey({ name: origin.slice(0, origin.lastIndexOf('/')), key: publicKeyOf(row.publicKey) }) : 'none';
  return { kind: 'foreign', seq: 0, row_id: null, detail: `Among the keys of this installation stands one that it did not make (row ${row.id} of audit_keys, public key ${name}). What is signed with it is not believed.` };
}

/** Undefined for what is not signed by one of the keys. */
function openedOr(note: string, keys: Verifiers['keys']): OpenedNote | undefined {
  try {
    return openNote(note, keys);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
