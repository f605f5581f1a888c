import type { KeySubject } from '../crypto/tenant-cipher.js';

/** What an audit row says beyond who, from where and in which request, which come from the context. */
export interface AuditEntry {
  /** `task.cancel`: the domain, a dot, the verb. */
  action: string;
  resource?: { type: string; id: string };
  /** The resource before and after, without secrets. */
  before?: object;
  after?: object;
  detail?: object;
  /** Whom the content is about, so that it goes with them; when left out, it follows from the resource and the actor. */
  subject?: KeySubject;
}

/** Who, from where and in which request: what the context adds to an entry. Opaque to who carries it. */
export interface AuditOrigin {
  readonly tenantId: string;
}

/**
 * The audit log, as every domain sees it. A port: `safeguards/audit` implements it. `record` writes in the transaction
 * of the change, so that no change is without its row; `denied` and `failed` write at once, before the answer leaves.
 */
export abstract class AuditPort {
  abstract record(entry: AuditEntry): Promise<void>;
  /** The origin of what the running request does, for an entry that is written outside of it. */
  abstract origin(): AuditOrigin;
  /** Like `record`, for several requests that share a transaction. */
  abstract recordAll(entries: readonly (AuditEntry & { origin: AuditOrigin })[]): Promise<void>;
  abstract denied(entry: AuditEntry): Promise<void>;
  abstract failed(entry: AuditEntry): Promise<void>;
}
