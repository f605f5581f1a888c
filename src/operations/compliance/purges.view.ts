import type { Purge, PurgeEntity, PurgeStatus } from './purge.entity.js';

/** A purge: running until nothing is left, then with its certificate. */
export class PurgeView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example agent */
  entity_type!: PurgeEntity;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
  entity_id!: string;
  /** @example done */
  status!: PurgeStatus;
  /** @example "Request 2026-17" */
  reason!: string | null;
  /** @example user */
  requested_by_kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02 */
  requested_by_id!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  requested_at!: string;
  /** @example 2026-01-31T09:30:02.000Z */
  completed_at!: string | null;
  /**
   * Rows that were removed or emptied until now, by table.
   * @example { "task_attempts": 12, "task_comments": 3 }
   */
  erased!: object;
  /**
   * What was erased and which keys were destroyed, signed with the key of the audit log; null while it runs. Kept in a file,
   * `npx wheelhouse audit certificate FILE` checks it.
   * @example { "certificate": { "format": "wheelhouse-purge/1" }, "signature": "— wheelhouse.audit/1 xPILpQ==", "keys": [] }
   */
  certificate!: object | null;
  /**
   * Grows by one with every change; part of the ETag.
   * @example 2
   */
  revision!: number;
}

export function toPurgeView(purge: Purge): PurgeView {
  const { id, entity_type, entity_id, status, reason, requested_by_kind, requested_by_id, requested_at, completed_at, erased, certificate, revision } = purge;
  return {
    id, entity_type, entity_id, status, reason, requested_by_kind, requested_by_id,
    requested_at: requested_at.toISOString(), completed_at: completed_at?.toISOString() ?? null, erased, certificate, revision,
  };
}
