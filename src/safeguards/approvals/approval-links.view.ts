import type { MadeLink } from './approval-links.service.js';

/** Links that decide, shown once. */
export class ApprovalLinksView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  approval_id!: string;
  /** @example https://wheelhouse.example.com/api/v1/approval-links/whl_0123456789abcdefghijklmnopqrstuvwxyz012 */
  approve_url!: string;
  /** @example https://wheelhouse.example.com/api/v1/approval-links/whl_9876543210abcdefghijklmnopqrstuvwxyz012 */
  reject_url!: string;
  /** @example 2026-01-31T10:30:00.000Z */
  expires_at!: string;
}

/** @param base how people reach this installation; left out, the links are relative to where it was called */
export function toLinksView(approvalId: string, links: readonly MadeLink[], base: string | undefined): ApprovalLinksView {
  const urlOf = (decision: MadeLink['decision']): string => `${(base ?? '').replace(/\/+$/, '')}/api/v1/approval-links/${links.find((link) => link.decision === decision)?.token ?? ''}`;
  return { approval_id: approvalId, approve_url: urlOf('approved'), reject_url: urlOf('rejected'), expires_at: links[0]?.expires_at.toISOString() ?? '' };
}
