import type { FindingKind } from '../../core/audit/log-verifier.js';
import { AcceptedRestoreView, toAcceptedRestoreView } from './audit-holds.view.js';
import type { CheckpointRow } from './audit-log.repository.js';
import type { ConsistencyProof, InclusionProof, TreeAt } from './audit-proofs.service.js';
import type { Verification } from './audit-verification.service.js';

/** A signed statement of how many rows the log has and what they are. */
export class CheckpointView {
  /**
   * How many rows it covers.
   * @example 1042
   */
  size!: number;
  /**
   * Root of the Merkle tree over them, in base64.
   * @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=
   */
  root!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /**
   * The signed note (C2SP tlog-checkpoint): keep it where this installation cannot change it.
   * @example "wheelhouse.audit/1/2\n1042\nK6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=\ntime 2026-01-31T09:30:00.000Z\n\n— wheelhouse.audit/1 q83vEjRW...\n"
   */
  note!: string;
}

/** The tree at one size. */
export class TreeView {
  /** @example 1042 */
  size!: number;
  /** @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0= */
  root!: string;
  /**
   * The checkpoint of this size; null when none was made at it.
   * @example null
   */
  note!: string | null;
}

/** Proof that a row is in the tree (RFC 9162, section 2.1.3). */
export class InclusionProofView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  row_id!: string;
  /**
   * Its place in the log, from 0 on.
   * @example 17
   */
  seq!: number;
  /** @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0= */
  leaf_hash!: string;
  /**
   * Hashes from the leaf's sibling up, in base64.
   * @example ["K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0="]
   */
  path!: string[];
  tree!: TreeView;
}

/** Proof that a smaller tree is the beginning of a larger one (RFC 9162, section 2.1.4). */
export class ConsistencyProofView {
  from!: TreeView;
  to!: TreeView;
  /**
   * Hashes in base64; none when both have the same size.
   * @example ["K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0="]
   */
  path!: string[];
}

/** What is wrong with the log. */
export class FindingView {
  /**
   * edited, deleted, inserted, reordered: that row was. cut: the tail is missing. rewritten: rows from this one on were
   * changed together with their hashes. restored: an older state was put back. unsigned: a checkpoint is not this log's.
   * foreign: among the keys of this installation stands one that it did not make. content_missing: the content of a row, or the key
   * to it, is not there, and no purge is on record that erased it. tree_damaged: every row is right, but not the
   * stored tree that proofs are made of.
   * @example edited
   */
  kind!: FindingKind;
  /**
   * Place of the first wrong row.
   * @example 17
   */
  seq!: number;
  /**
   * Its id, as far as it is known.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  row_id!: string | null;
  /** @example "Row 17 is not what was sealed." */
  detail!: string;
}

/** Numbers of rows that follow each other. */
export class RowRangeView {
  /** @example 17 */
  from!: number;
  /**
   * Inclusive.
   * @example 19
   */
  to!: number;
}

/** What a recomputation of the log came to. */
export class VerificationView {
  /**
   * Whether every row is what was sealed.
   * @example true
   */
  ok!: boolean;
  /**
   * How many rows were right before the first wrong one.
   * @example 1042
   */
  rows!: number;
  /**
   * How many rows the newest checkpoint covers.
   * @example 1042
   */
  size!: number;
  /**
   * The root that the rows come to, in base64.
   * @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=
   */
  root!: string;
  /**
   * Rows that are written and will be sealed within a second.
   * @example 0
   */
  waiting!: number;
  /** When the newest checkpoint was made; null before the first. */
  checkpoint_at!: string | null;
  /** Null when everything is right. */
  finding!: FindingView | null;
  /**
   * How many rows have lost their content to a purge; that they were written is still proven.
   * @example 3
   */
  erased!: number;
  /** Which rows those are, up to 1,000 ranges. */
  erased_ranges!: RowRangeView[];
  /** What the operator has accepted in place of a log that had been sealed, the oldest first. A checkpoint from before that tells what was lost. */
  restores!: AcceptedRestoreView[];
}

/** What checkpoints of this installation are checked with. */
export class PublicKeyView {
  /**
   * Name of this tenant's log: the first line of its checkpoints.
   * @example wheelhouse.audit/0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00/0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
   */
  origin!: string;
  /**
   * Verifier keys (C2SP signed-note), the oldest first; one for each key that this installation ever signed with.
   * @example ["wheelhouse.audit/1+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
   */
  keys!: string[];
  /**
   * Where the key was replaced: a note for each time, signed by both keys, so that whoever noted down one of them can follow to the other.
   * @example []
   */
  handovers!: string[];
}

const base64 = (hash: Buffer): string => hash.toString('base64');
const toTreeView = ({ size, root, note }: TreeAt): TreeView => ({ size, root: base64(root), note });

export function toCheckpointView({ size, root, created_at, note }: CheckpointRow): CheckpointView {
  return { size, root: base64(root), created_at: created_at.toISOString(), note };
}

export function toInclusionProofView({ row_id, seq, leaf_hash, path, tree }: InclusionProof): InclusionProofView {
  return { row_id, seq, leaf_hash: base64(leaf_hash), path: path.map(base64), tree: toTreeView(tree) };
}

export function toConsistencyProofView({ from, to, path }: ConsistencyProof): ConsistencyProofView {
  return { from: toTreeView(from), to: toTreeView(to), path: path.map(base64) };
}

export function toVerificationView({ rows, size, root, checkpoint, waiting, finding, erased, restores }: Verification): VerificationView {
  return { ok: finding === undefined, rows, size, root: base64(root), waiting, checkpoint_at: checkpoint?.created_at.toISOString() ?? null, finding: finding ?? null, erased: erased.count, erased_ranges: erased.ranges, restores: restores.map(toAcceptedRestoreView) };
}
