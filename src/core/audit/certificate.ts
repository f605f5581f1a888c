import { canonicalJson } from '../canonical-json.js';
import { type NoteKey, openCheckpoint, signatureLine, signedByOneOf } from './checkpoint.js';
import { followHandovers } from './key-handover.js';
import { verifyConsistency } from './merkle.js';

/** The audit log of the tenant at one size. */
export interface CertifiedTree {
  size: number;
  /** In base64. */
  root: string;
  /** The signed checkpoint of that size. */
  checkpoint: string;
}

/** What a purge came to. */
export interface PurgeCertificate {
  format: typeof CERTIFICATE_FORMAT;
  id: string;
  entity: { type: 'agent' | 'tenant'; id: string; tenant_id: string };
  reason: string | null;
  requested_by: { kind: string; id: string };
  requested_at: string;
  completed_at: string;
  /** Rows that were removed or emptied, by table. */
  erased: Record<string, number>;
  keys_destroyed: { id: string; tenant_id: string; subject_type: string; subject_id: string; destroyed_at: string }[];
  audit: {
    origin: string;
    before: CertifiedTree | null;
    after: CertifiedTree | null;
    /** Hashes in base64 that prove that `before` is the beginning of `after` (RFC 9162). */
    consistency: string[];
    /** Rows whose content can be read by nobody any more. */
    erased_rows: number;
    /** Rows from a version that did not seal yet: their content stays. */
    unsealed_rows: number;
  };
}

export interface SignedCertificate {
  certificate: PurgeCertificate;
  /** Signature line (C2SP signed-note) over the canonical JSON (RFC 8785) of the certificate and a line feed. */
  signature: string;
  /** Verifier keys of the installation. Whoever has one from elsewhere trusts that one. */
  keys: string[];
  /** Where the key was replaced: what the keys signed about each other (key-handover.ts). */
  handovers?: string[];
}

export const CERTIFICATE_FORMAT = 'wheelhouse-purge/1';

const textOf = (certificate: PurgeCertificate): string => `${canonicalJson(certificate)}\n`;

export const signCertificate = (certificate: PurgeCertificate, signer: NoteKey): string => signatureLine(textOf(certificate), signer);

/**
 * Reads a certificate: as it is, or as the `certificate` of an answer of the API.
 * @throws Error for what is none
 */
export function readCertificate(text: string): SignedCertificate {
  const found = signedIn(JSON.parse(text));
  if (!found) throw new Error(`This is no certificate of the format ${CERTIFICATE_FORMAT}.`);
  return found;
}

function signedIn(value: unknown): SignedCertificate | undefined {
  if (typeof value !== 'object' || value === null || !('certificate' in value)) return undefined;
  const { certificate, signature, keys, handovers = [] } = value as Partial<SignedCertificate>;
  if (certificate && (certificate as { format?: unknown }).format === CERTIFICATE_FORMAT && typeof signature === 'string' && Array.isArray(keys) && Array.isArray(handovers)) return { certificate, signature, keys, handovers };
  return signedIn(certificate);
}

/** @param known verifier keys from elsewhere; left out, those in the file are believed @returns what is wrong; undefined when nothing is */
export function certificateFault({ certificate, signature, keys, handovers = [] }: SignedCertificate, known: readonly string[] = keys): string | undefined {
  const { keys: verifiers } = followHandovers(known, handovers);
  if (!signedByOneOf(textOf(certificate), signature, verifiers)) return 'It is not signed by the key of this installation, or was changed since.';
  const { before, after, consistency, origin } = certificate.audit;
  for (const tree of [before, after]) {
    if (!tree) continue;
    const opened = openCheckpoint(tree.checkpoint, verifiers);
    if (opened.origin !== origin || opened.size !== tree.size || opened.root.toString('base64') !== tree.root) return `The checkpoint of ${tree.size} rows is not what it names.`;
  }
  if (!before || !after) return undefined;
  const proof = { from: before.size, to: after.size, path: consistency.map((hash) => Buffer.from(hash, 'base64')), fromRoot: Buffer.from(before.root, 'base64'), toRoot: Buffer.from(after.root, 'base64') };
  return verifyConsistency(proof) ? undefined : 'The log after the purge does not continue the log before it.';
}
