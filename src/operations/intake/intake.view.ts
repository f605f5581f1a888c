import { TenantView } from '../../identity/tenants/tenants.view.js';
import { UserView } from '../../identity/users/users.view.js';
import type { IntakeStatus, IntakeSubmission } from './intake-submission.entity.js';

/** What is told to whoever has filled in the form. */
export class IntakeReceiptView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
}

/** The form of somebody who wants to become a tenant. */
export class IntakeSubmissionView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example "John Doe" */
  full_name!: string;
  /** @example john@example.com */
  email!: string;
  /** @example "Cost reduction, better response time" */
  priorities!: string | null;
  /** @example "Auto-respond to support tickets" */
  automation_wish!: string | null;
  /** @example ["telegram", "discord"] */
  channels!: string[];
  /**
   * The address that it came from.
   * @example 203.0.113.7
   */
  ip!: string | null;
  /** @example new */
  status!: IntakeStatus;
  /**
   * The tenant that was made of it.
   * @example null
   */
  converted_tenant_id!: string | null;
  /** @example null */
  converted_at!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
}

/** The tenant that a submission became, and its first administrator. */
export class IntakeConversionView {
  tenant!: TenantView;
  admin!: UserView;
}

export function toIntakeSubmissionView(row: IntakeSubmission): IntakeSubmissionView {
  return {
    id: row.id,
    full_name: row.full_name,
    email: row.email,
    priorities: row.priorities,
    automation_wish: row.automation_wish,
    channels: row.channels,
    ip: row.ip,
    status: row.status,
    converted_tenant_id: row.converted_tenant_id,
    converted_at: row.converted_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  };
}
