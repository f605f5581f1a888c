import { canonicalHash } from '../../core/canonical-json.js';
import type { AuditContent } from './audit-row.entity.js';

/** As JSON: what one member of before, after or detail may take, unless it is a text; and all three together. */
const LARGEST_MEMBER = 8 * 1024;
const LARGEST_CONTENT = 32 * 1024;
const PARTS = ['before', 'after', 'detail'] as const;

type Part = (typeof PARTS)[number];
type Parts = Pick<AuditContent, Part>;

/** What stands for a value that is too large to be kept in a row: the row still says exactly which value it was. */
export interface CutValue {
  cut: {
    /** Of its JSON text, in UTF-8. */
    bytes: number;
    /** SHA-256 of its canonical JSON text (RFC 8785), secrets replaced, in hexadecimal. */
    sha256: string;
  };
}

interface Member {
  part: Part;
  name: string;
  value: unknown;
  bytes: number;
}

/** What is smaller than this takes no less when it is cut. */
const CUT_BYTES = 128;

/** The content of a row, as much of it as a row may have; the largest members are cut. */
export function fitContent(content: AuditContent): AuditContent {
  const parts: Parts = { before: content.before, after: content.after, detail: content.detail };
  let total = sizeOf(parts);
  if (total <= LARGEST_MEMBER) return content;
  for (const { part, name, value, bytes } of membersOf(parts).sort((a, b) => b.bytes - a.bytes)) {
    const alone = bytes > LARGEST_MEMBER && typeof value !== 'string';
    if (bytes <= CUT_BYTES || !(alone || total > LARGEST_CONTENT)) continue;
    parts[part] = { ...parts[part], [name]: cutValue(value) };
    total -= bytes - CUT_BYTES;
  }
  // So many members that they are too much, however small each is.
  for (const part of PARTS) if (sizeOf(parts) > LARGEST_CONTENT && parts[part]) parts[part] = cutValue(content[part]);
  return { ...content, ...parts };
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');

const membersOf = (parts: Parts): Member[] => PARTS.flatMap((part) => Object.entries(parts[part] ?? {}).map(([name, value]) => ({ part, name, value: value as unknown, bytes: sizeOf(value) })));

function cutValue(value: unknown): CutValue {
  const text = JSON.stringify(value) ?? 'null';
  return { cut: { bytes: Buffer.byteLength(text), sha256: canonicalHash(JSON.parse(text)) } };
}
