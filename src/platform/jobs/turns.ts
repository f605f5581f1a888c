/** Which jobs a process may begin now. */
export interface Turn {
  /** Tenants that have enough under way. */
  full: string[];
  /** How many jobs of the others one look may take; 0 where no place is free. */
  most: number;
}

/**
 * A tenant begins another job only while it has fewer under way than places are free: one that has very much to do fills half of them, two
 * fill a third each, and so on. So some places are always free for a tenant that has none, however slow the jobs of the others are.
 */
export function turnOf(underWay: ReadonlyMap<string, number>, places: number): Turn {
  const free = places - [...underWay.values()].reduce((sum, count) => sum + count, 0);
  const full = [...underWay].filter(([, count]) => count >= free).map(([tenantId]) => tenantId);
  const busiest = Math.max(0, ...[...underWay.values()].filter((count) => count < free));
  // All that a look finds may be of one tenant: each that it begins leaves one place less.
  return { full, most: free <= 0 ? 0 : Math.ceil((free - busiest) / 2) };
}
