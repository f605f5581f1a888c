import type { LeafRow } from './leaf.js';
import { HASH_BYTES } from './merkle.js';
import type { SealedRow } from './log-verifier.js';

/** First line of an export of the audit log. Then come its checkpoints, its rows, and a line that says that it is whole. */
export interface BundleHeader {
  format: (typeof BUNDLE_FORMATS)[number];
  origin: string;
  tenant_id: string;
  /** Verifier keys (`name+id+base64`). Whoever has one from elsewhere trusts that one. */
  keys: string[];
  /** Where the key was replaced: what the keys signed about each other (key-handover.ts). */
  handovers?: string[];
  size: number;
  exported_at: string;
}

export interface BundleEnd {
  rows: number;
  /** Signed: see export-statement.ts. */
  note: string;
}

export interface BundleRow {
  seq: number;
  leaf_hash: string;
  row: LeafRow;
  content: string | null;
  salt: string | null;
}

export type BundleLine = { header: BundleHeader } | { checkpoint: string } | { end: BundleEnd } | BundleRow;

export const BUNDLE_FORMAT = 'wheelhouse-audit/3';
/** Rows of the one before say of none whose content it has. */
export const BUNDLE_FORMATS = ['wheelhouse-audit/2', BUNDLE_FORMAT] as const;

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value.isWellFormed();
const isTextOrNull: Check = (value) => value === null || isText(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isTexts: Check = (value) => Array.isArray(value) && value.every(isText);
/** With these members and no other. */
const shape = (members: Readonly<Record<string, Check>>): Check => (value) =>
  typeof value === 'object' && value !== null && Object.keys(value).length === Object.keys(members).length && Object.entries(members).every(([name, check]) => check((value as Record<string, unknown>)[name]));

const ROW = {
  tenant_id: isText, id: isText, actor_kind: isText, actor_id: isText, action: isText, outcome: isText, resource_type: isTextOrNull,
  resource_id: isTextOrNull, request_id: isTextOrNull, occurred_at: isText, content_hash: isText,
};
const HEADER = { format: isText, origin: isText, tenant_id: isText, keys: isTexts, size: isCount, exported_at: isText };
const LINES: readonly Check[] = [
  ...[shape(ROW), shape({ ...ROW, subject: isTextOrNull })].map((row) => shape({ seq: isCount, leaf_hash: isText, row, content: isTextOrNull, salt: isTextOrNull })),
  shape({ checkpoint: isText }),
  shape({ end: shape({ rows: isCount, note: isText }) }),
  shape({ header: shape(HEADER) }),
  shape({ header: shape({ ...HEADER, handovers: isTexts }) }),
];

export const writeLine = (line: BundleLine): string => `${JSON.stringify(line)}\n`;

/**
 * Takes exactly what `writeLine` makes: nothing rides along that no hash or signature covers, in a member more or a member twice.
 * @throws Error for what is no line of a bundle; the message says in what way
 */
export function readLine(text: string): BundleLine {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (cause) {
    throw new Error('is not JSON', { cause });
  }
  if (!LINES.some((isKind) => isKind(line))) throw new Error('is neither a header, a checkpoint, a row nor the end');
  if (JSON.stringify(line) !== text) throw new Error('is not written as an export writes it');
  return line as BundleLine;
}

export function toSealedRow({ seq, leaf_hash, row, content, salt }: BundleRow): SealedRow {
  const bytes = salt === null ? null : Buffer.from(salt, 'base64');
  return {
    seq,
    row,
    leafHash: Buffer.from(leaf_hash, 'base64'),
    // A salt of another length can only have been tampered with: it fits no content.
    content: content === null ? null : { text: content, salt: bytes?.length === HASH_BYTES ? bytes : Buffer.alloc(HASH_BYTES) },
  };
}

