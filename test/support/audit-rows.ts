import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { AuditContents } from '../../src/safeguards/audit/audit-contents.js';
import type { AuditContent, AuditRow } from '../../src/safeguards/audit/audit-row.entity.js';
import type { Plane } from './plane.js';

export type ReadAuditRow = AuditRow & Partial<Omit<AuditContent, 'before' | 'after' | 'detail'>> & Record<'before' | 'after' | 'detail', Record<string, unknown> | null>;

/** Rows of the audit log of every tenant in their order, read behind the API, with their content. @param where a condition of SQL */
export async function auditRows(plane: Plane, where: string, values: unknown[] = []): Promise<ReadAuditRow[]> {
  const rows = await plane.app.get(SystemDatabase).query<AuditRow>(`select * from audit_log where ${where} order by id`, values);
  const opened = await Promise.all(rows.map((row) => plane.app.get(AuditContents).open(row)));
  return opened.map(({ row, content }) => ({ ...row, before: null, after: null, detail: null, ...(typeof content === 'string' ? {} : content) }) as ReadAuditRow);
}
