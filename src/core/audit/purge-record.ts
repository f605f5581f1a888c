/** The action of the audit log that begins a purge. In the same transaction the keys of who is purged are destroyed. */
export const PURGE_ACTION = 'compliance.purge';

/** What such a row says. It is sealed, so that nobody but the installation can say it. */
export interface PurgeRecord {
  purge_id: string;
  reason: string | null;
  entity_type: 'agent' | 'tenant';
  entity_id: string;
}

/** @param detail of a row with that action, as it was opened @param subject whom the row names where everybody can read it */
export function isPurgeOf(detail: object | null, subject: { type: string; id: string }): boolean {
  const { purge_id, reason, entity_type, entity_id, ...more } = (detail ?? {}) as Partial<PurgeRecord>;
  if (typeof purge_id !== 'string' || reason === undefined || Object.keys(more).length > 0) return false;
  // Rows of the version before did not repeat the name where it is sealed.
  return entity_id === undefined || (entity_type === subject.type && entity_id === subject.id);
}
