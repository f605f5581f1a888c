import { type OpenedRestore } from '../../core/audit/restore-statement.js';
import type { FindingKind } from '../../core/audit/log-verifier.js';
import type { SeenHold } from './audit-holds.service.js';
import type { HoldMark } from './hold-mark.js';

/** The checkpoint that a log is measured against. */
export class AuditHoldMarkView {
  /**
   * How many rows it is of; null when it says nothing.
   * @example 21
   */
  size!: number | null;
  /**
   * The root of their tree, in base64.
   * @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=
   */
  root!: string | null;
  /**
   * When it was made.
   * @example 2026-01-31T09:30:00.000Z
   */
  time!: string | null;
  /**
   * Public key of this installation that signed it; null when none did.
   * @example wheelhouse.audit/0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00+abcdef01+ARhSGQc2Yz5PHQdD8nwvwVYCHcvHMGv2N9BmqYOZKeZk
   */
  key!: string | null;
  /**
   * Whether this installation signed it, as one of this log. When not, somebody has changed the hold in the database: believe nothing that it says.
   * @example true
   */
  verified!: boolean;
  /**
   * The signed note itself.
   * @example "wheelhouse.audit/1/2\n21\nK6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=\ntime 2026-01-31T09:30:00.000Z\n\n— wheelhouse.audit/1 q83vEjRW...\n"
   */
  note!: string;
}

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
  /**
   * How many rows the log has now.
   * @example 17
   */
  size!: number;
  /**
   * Its root now, in base64: what is accepted has to name it. Null when its parts make no tree.
   * @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=
   */
  root!: string | null;
  /** The checkpoint that it is measured against; null when there was none. */
  mark!: AuditHoldMarkView | null;
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

export function toAuditHoldView({ hold: { tenant_id, kind, seq, detail, held_at }, state, mark }: SeenHold): AuditHoldView {
  return { tenant_id, kind, seq, detail, size: state.size, root: state.peaks ? state.root.toString('base64') : null, mark: mark ? toMarkView(mark) : null, held_at: held_at.toISOString() };
}

function toMarkView({ note, says, key, isVerified }: HoldMark): AuditHoldMarkView {
  return { size: says?.size ?? null, root: says?.root.toString('base64') ?? null, time: says?.time ?? null, key: key ?? null, verified: isVerified, note };
}

export function toAcceptedRestoreView({ size, root, replaced, reason, by, time, note }: OpenedRestore): AcceptedRestoreView {
  return { size, root: root.toString('base64'), replaced_size: replaced?.size ?? null, reason, by_kind: by.kind, by_id: by.id, accepted_at: time, note };
}
