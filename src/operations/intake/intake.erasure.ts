import type { TenantContent } from '../../platform/erasure/erasures.js';

/** The form that became the tenant is the operator's row, and about the tenant's people. */
export const INTAKE_CONTENT: readonly TenantContent[] = [
  { table: 'intake_submissions', statement: 'delete from intake_submissions where ctid = any(array(select ctid from intake_submissions where converted_tenant_id = $1 limit $2))' },
];
