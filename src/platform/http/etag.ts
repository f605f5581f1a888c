import { Problem } from '../../core/problem.js';

/** The entity tag (RFC 9110, section 8.8.3) of a resource: its id and revision, as a strong tag. */
export function etagOf(resource: { id: string; revision: number }): string {
  return `"${resource.id}.${resource.revision}"`;
}

/**
 * Holds `If-Match` against the row as it is locked now (RFC 9110, section 13.1.1).
 * @throws Problem `precondition_failed` when the header is there and names another revision
 */
export function checkIfMatch(ifMatch: string | undefined, row: { id: string; revision: number }): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const current = etagOf(row);
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  if (!tags.includes(current)) throw new Problem('precondition_failed', { extra: { current_etag: current } });
}
