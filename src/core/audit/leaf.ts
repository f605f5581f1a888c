import { hash as digest } from 'node:crypto';
import { canonicalJson } from '../canonical-json.js';
import { type Hash, leafHash } from './merkle.js';

/** What the tree says of a row of the audit log. Its content is there as a hash alone, so that it can be erased. */
export interface LeafRow {
  tenant_id: string;
  id: string;
  actor_kind: string;
  actor_id: string;
  action: string;
  outcome: string;
  resource_type: string | null;
  resource_id: string | null;
  request_id: string | null;
  /** ISO 8601, in UTC, with milliseconds. */
  occurred_at: string;
  /** In hexadecimal. */
  content_hash: string;
  /** Whose key the content is sealed under (`agent/ID`, `tenant/ID`); null for the tenant of the log. Leaves of the first version do not say it: then it is not there. */
  subject?: string | null;
}

const SALT_BYTES = 32;

/** The leaf of a row: the hash of its canonical JSON together with the place that it was given. The version stands in it: none passes for one of the other. */
export function leafOf(row: LeafRow, seq: number): Hash {
  const { tenant_id, id, actor_kind, actor_id, action, outcome, resource_type, resource_id, request_id, occurred_at, content_hash, subject } = row;
  const said = { seq, tenant_id, id, actor_kind, actor_id, action, outcome, resource_type, resource_id, request_id, occurred_at, content_hash };
  const leaf = subject === undefined ? { v: 1, ...said } : { v: 2, ...said, subject };
  return leafHash(Buffer.from(canonicalJson(leaf), 'utf8'));
}

/** Binds a row to its content without giving it away: SHA-256 over a random salt of 32 bytes and the content's text. */
export function contentHash(salt: Buffer, content: string): Hash {
  if (salt.length !== SALT_BYTES) throw new RangeError(`A salt has ${SALT_BYTES} bytes.`);
  return digest('sha256', Buffer.concat([salt, Buffer.from(content, 'utf8')]), 'buffer');
}
