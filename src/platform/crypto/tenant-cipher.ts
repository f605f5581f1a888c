/** Whose key it is: when what is about a subject must be forgotten, its key is destroyed. */
export interface KeySubject {
  type: 'tenant' | 'agent';
  id: string;
}

/** What is sealed: it opens for this tenant, in this place, and nowhere else. */
export interface SealedPlace {
  tenantId: string;
  /** Table, row and column: `secret_versions/<id>/3`. Swapped between two places, neither opens. */
  row: string;
  /** Whose key seals it; the tenant's when left out. To open, the sealed bytes say which key it was. */
  subject?: KeySubject;
}

/**
 * Seals what must not be readable in the database, a dump or a log (AES-256-GCM). A tenant, or one of its agents, has a key
 * of its own, wrapped under the master key. May be called inside a transaction.
 */
export abstract class TenantCipher {
  abstract seal(place: SealedPlace, plaintext: string | Buffer): Promise<Buffer>;
  /**
   * @throws Problem `erased` when its key was destroyed, `unavailable` when the master key is away
   * @throws Error when the bytes were changed or stand in another place
   */
  abstract open(place: SealedPlace, sealed: Buffer): Promise<string>;
}
