import { createHash } from 'node:crypto';
import { type Checkpoint, type NoteKey, openNote, signNote } from './checkpoint.js';

/** What an installation says of an export when it ends: how much there is, and of how many rows the content was erased. Nobody else can say it of a shorter one. */
export interface ExportStatement extends Checkpoint {
  erased: ErasedRows;
}

export interface ErasedRows {
  count: number;
  /** SHA-256 over their numbers, each with a line feed behind, in hexadecimal. */
  digest: string;
}

const MARK = 'export';

/** Gathers the numbers of erased rows, in their order. */
export class ErasedDigest {
  private readonly hash = createHash('sha256');
  private count = 0;

  add(seq: number): void {
    this.count += 1;
    this.hash.update(`${seq}\n`);
  }

  get value(): ErasedRows {
    return { count: this.count, digest: this.hash.copy().digest('hex') };
  }
}

/** A signed note: a checkpoint of the exported size, `export`, and what was erased. */
export const signStatement = ({ erased, ...checkpoint }: ExportStatement, signer: NoteKey): string =>
  signNote(checkpoint, [MARK, `erased ${erased.count} ${erased.digest}`], signer);

/** @throws Error for what is no such statement, or is signed by none of the keys */
export function openStatement(note: string, keys: readonly NoteKey[]): ExportStatement & { signer: NoteKey } {
  const { more, origin, size, root, time, signer } = openNote(note, keys);
  const [mark, erased = ''] = more;
  const match = /^erased (\d{1,15}) ([0-9a-f]{64})$/.exec(erased);
  if (mark !== MARK || !match?.[1] || !match[2]) throw new Error('This is no statement about an export.');
  return { origin, size, root, time, signer, erased: { count: Number(match[1]), digest: match[2] } };
}
