import { type OpenedRestore } from '../../core/audit/restore-statement.js';
import type { FindingKind } from '../../core/audit/log-verifier.js';
import type { AuditHold } from './audit-holds.repository.js';

/** A log that is not sealed any further, because it is not the one that was sealed. */
export class AuditHoldView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  tenant_id!: string;
  /**
   * restored: an older state was put back, or the log taken away. rewritten: another log is in its place. cut: its parts end at
   * different places. unsigned: no checkpoint of this installation covers it.
   * @example restored
   */
  kind!: FindingKind;
  /**
   * Place of the first row that is missing or another.
   * @example 17
   */
  seq!: number;
  /** @example "The log ends before row 17; a checkpoint of 21 rows had been sealed: an older state was put back, or the log taken away." */
  detail!: string;
  /** The signed checkpoint that it was measured against; null when there was none. */
  mark!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  held_at!: string;
}

/** What the operator has accepted in place of the log that had been sealed. */
export class AcceptedRestoreView {
  /**
   * How many rows the log had that was accepted.
   * @example 17
   */
  size!: number;
  /**
   * Its root, in base64.
   * @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=
   */
  root!: string;
  /**
   * How many rows had been sealed before; null when that is not known.
   * @example 21
   */
  replaced_size!: number | null;
  /** @example "Restored from the backup of 3 May after a disk failure" */
  reason!: string;
  /**
   * Who accepted it.
   * @example user
   */
  by_kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  by_id!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  accepted_at!: string;
  /**
   * The signed note that says all of this (C2SP signed-note).
   * @example "wheelhouse.audit/1/2\n17\nK6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=\ntime 2026-01-31T09:30:00.000Z\nrestore {...}\n\n— wheelhouse.audit/1 q83vEjRW...\n"
   */
  note!: string;
}

export function toAuditHoldView({ tenant_id, kind, seq, detail, mark, held_at }: AuditHold): AuditHoldView {
  return { tenant_id, kind, seq, detail, mark, held_at: held_at.toISOString() };
}

export function toAcceptedRestoreView({ size, root, replaced, reason, by, time, note }: OpenedRestore): AcceptedRestoreView {
  return { size, root: root.toString('base64'), replaced_size: replaced?.size ?? null, reason, by_kind: by.kind, by_id: by.id, accepted_at: time, note };
}
