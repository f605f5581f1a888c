import type { LeafRow } from './leaf.js';
import { HASH_BYTES } from './merkle.js';
import type { SealedRow } from './log-verifier.js';

/** First line of an export of the audit log. Then come its checkpoints, its rows, and a line that says that it is whole. */
export interface BundleHeader {
  format: typeof BUNDLE_FORMAT;
  origin: string;
  tenant_id: string;
  /** Verifier keys (`name+id+base64`). Whoever has one from elsewhere trusts that one. */
  keys: string[];
  size: number;
  exported_at: string;
}

export interface BundleEnd {
  rows: number;
}

export type BundleLine =
  | { header: BundleHeader }
  | { checkpoint: string }
  | { end: BundleEnd }
  | { seq: number; leaf_hash: string; row: LeafRow; content: string | null; salt: string | null };

export const BUNDLE_FORMAT = 'wheelhouse-audit/1';

export const writeLine = (line: BundleLine): string => `${JSON.stringify(line)}\n`;

/** @throws Error for what is no line of a bundle; the message says in what way */
export function readLine(text: string): BundleLine {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (cause) {
    throw new Error('is not JSON', { cause });
  }
  if (typeof line !== 'object' || line === null) throw new Error('is no object');
  if ('header' in line || 'checkpoint' in line || 'end' in line || isRowLine(line)) return line as BundleLine;
  throw new Error('is neither a header, a checkpoint, a row nor the end');
}

function isRowLine(line: object): boolean {
  const { seq, leaf_hash, row, content, salt } = line as Record<string, unknown>;
  return Number.isSafeInteger(seq) && typeof leaf_hash === 'string' && typeof row === 'object' && row !== null && (content === null || typeof content === 'string') && (salt === null || typeof salt === 'string');
}

export function toSealedRow({ seq, leaf_hash, row, content, salt }: Extract<BundleLine, { seq: number }>): SealedRow {
  const bytes = salt === null ? null : Buffer.from(salt, 'base64');
  return {
    seq,
    row,
    leafHash: Buffer.from(leaf_hash, 'base64'),
    // A salt of another length can only have been tampered with: it fits no content.
    content: content === null ? null : { text: content, salt: bytes?.length === HASH_BYTES ? bytes : Buffer.alloc(HASH_BYTES) },
  };
}

