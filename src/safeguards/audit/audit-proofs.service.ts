import { Injectable } from '@nestjs/common';
import { verifierKey } from '../../core/audit/checkpoint.js';
import { consistencyRanges, type Hash, inclusionRanges, verifyConsistency, verifyInclusion } from '../../core/audit/merkle.js';
import type { Page, PageRequest } from '../../core/page.js';
import { invalidField, notFound, Problem } from '../../core/problem.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { AuditKeys, handoversOf } from './audit-keys.js';
import { AuditLogRepository, type CheckpointRow } from './audit-log.repository.js';

/** A tree at one size, with the checkpoint that was made at it, if one was. */
export interface TreeAt {
  size: number;
  root: Hash;
  note: string | null;
}

export interface InclusionProof {
  row_id: string;
  seq: number;
  leaf_hash: Hash;
  path: Hash[];
  tree: TreeAt;
}

export interface ConsistencyProof {
  from: TreeAt;
  to: TreeAt;
  path: Hash[];
}

/** Checkpoints of the running tenant's log, and proofs over it. */
@Injectable()
export class AuditProofsService {
  constructor(
    private readonly context: RequestContext,
    private readonly log: AuditLogRepository,
    private readonly keys: AuditKeys,
  ) {}

  checkpoints(page: PageRequest): Promise<Page<CheckpointRow>> {
    return this.log.checkpoints(this.context.tenantId, page);
  }

  /** @throws Problem `not_found` for a row that is not there, `not_sealed` for one that the sequencer has still to take */
  async inclusion(rowId: string | undefined, size: number | undefined): Promise<InclusionProof> {
    const { tenantId } = this.context;
    const wanted = await this.sizeOr(size, 'size');
    const leaf = await this.log.leaf(tenantId, rowId, wanted);
    if (!leaf) throw rowId !== undefined && (await this.log.isWaiting(tenantId, rowId)) ? new Problem('not_sealed') : notFound('audit row');
    if (leaf.seq >= wanted) throw invalidField('size', 'min', `must be more than ${leaf.seq}: the row was not in the tree before`);
    const path = await this.log.rootsOf(tenantId, inclusionRanges(leaf.seq, wanted));
    const tree = await this.treeAt(wanted);
    if (!verifyInclusion({ leaf: leaf.leaf_hash, index: leaf.seq, size: wanted, path, root: tree.root })) throw unfit(wanted);
    return { row_id: leaf.row_id, seq: leaf.seq, leaf_hash: leaf.leaf_hash, path, tree };
  }

  /** Both are the newest checkpoint's size when nothing is said. */
  async consistency(from: number | undefined, to: number | undefined): Promise<ConsistencyProof> {
    const end = await this.sizeOr(to, 'to');
    const start = from ?? end;
    if (start > end) throw invalidField('from', 'max', `must be ${end} at most`);
    const path = await this.log.rootsOf(this.context.tenantId, consistencyRanges(start, end));
    const [older, newer] = [await this.treeAt(start), await this.treeAt(end)];
    if (!verifyConsistency({ from: start, to: end, path, fromRoot: older.root, toRoot: newer.root })) throw unfit(end);
    return { from: older, to: newer, path };
  }

  /** Verifier keys and the name of the log. */
  async publicKeys(): Promise<{ origin: string; keys: string[]; handovers: string[] }> {
    const [keys, origin] = await Promise.all([this.keys.verifiers(), this.keys.originOf(this.context.tenantId)]);
    return { origin, keys: keys.map(verifierKey), handovers: [], ...handoversOf(keys) };
  }

  private async sizeOr(size: number | undefined, field: string): Promise<number> {
    const newest = await this.log.newestCheckpoint(this.context.tenantId);
    if (!newest) throw new Problem('not_sealed');
    if (size !== undefined && size > newest.size) throw invalidField(field, 'max', `must be ${newest.size} at most: more is not sealed yet`);
    return size ?? newest.size;
  }

  private async treeAt(size: number): Promise<TreeAt> {
    const { tenantId } = this.context;
    const [[root], checkpoint] = await Promise.all([this.log.rootsOf(tenantId, [{ start: 0, end: size }]), this.log.checkpointOf(tenantId, size)]);
    if (!root) throw new Error('A tree has no root.');
    // Nobody is given a proof that does not fit what was signed.
    if (checkpoint && !checkpoint.root.equals(root)) throw unfit(size);
    return { size, root, note: checkpoint?.note ?? null };
  }
}

const unfit = (size: number): Problem =>
  new Problem('conflict', { detail: `The stored nodes of the tree of ${size} rows do not give its root.`, remedy: 'See what GET /audit/verify finds.' });
