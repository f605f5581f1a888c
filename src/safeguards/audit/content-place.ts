import type { SealedPlace } from '../../platform/crypto/tenant-cipher.js';
import type { AuditRow } from './audit-row.entity.js';

/** Where a row stands, and whose its content is. */
export type ContentPlace = Pick<AuditRow, 'tenant_id' | 'id' | 'subject_type' | 'subject_id'>;

/** What its content is sealed for. */
export function placeOf({ tenant_id: tenantId, id, subject_type: type, subject_id: subjectId }: ContentPlace): SealedPlace {
  return { tenantId, row: `audit_log/${id}/content`, ...(type && subjectId ? { subject: { type, id: subjectId } } : {}) };
}
