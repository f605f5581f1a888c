import { BUNDLE_FORMAT, type BundleHeader, type BundleLine, readLine, toSealedRow } from './bundle.js';
import { type Checkpoint, type NoteKey, openCheckpoint, parseVerifierKey } from './checkpoint.js';
import { SeqRanges } from './seq-ranges.js';
import { type Finding, LogVerifier, type Measure } from './log-verifier.js';

/** More are only counted. */
const MOST_RANGES = 1_000;

/** What an auditor has from elsewhere. */
export interface Known {
  /** Signed note of a checkpoint that was kept. */
  checkpoint?: string;
  /** Verifier keys; left out, those in the bundle are believed. */
  keys?: readonly string[];
}

export interface BundleVerdict {
  finding: Finding | undefined;
  header: BundleHeader;
  rows: number;
  erased: SeqRanges;
  checkpoints: number;
  newest: Checkpoint | undefined;
}

/**
 * Checks an export of the audit log, line by line, with nothing but what is in it and what the auditor has from elsewhere.
 * @throws Error for what is no export, or for a kept checkpoint or key that is none or belongs to another log
 */
export async function verifyBundle(lines: AsyncIterable<string>, known: Known = {}): Promise<BundleVerdict> {
  let reader: BundleReader | undefined;
  for await (const text of lines) {
    if (text === '') continue;
    if (reader) reader.take(text);
    else reader = new BundleReader(headerOf(text), known);
  }
  if (!reader) throw new Error('This is no export of an audit log: the file is empty.');
  return reader.finish();
}

function headerOf(text: string): BundleHeader {
  const line = readLineOr(text);
  if (!line || !('header' in line) || line.header.format !== BUNDLE_FORMAT || !Array.isArray(line.header.keys)) {
    throw new Error(`This is no export of an audit log: its first line must be a header of the format ${BUNDLE_FORMAT}.`);
  }
  return line.header;
}

function readLineOr(text: string): BundleLine | undefined {
  try {
    return readLine(text);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

class BundleReader {
  private readonly keys: NoteKey[];
  private readonly measures: Measure[] = [];
  private readonly external: Measure | undefined;
  private verifier: LogVerifier | undefined;
  private unsigned: Finding | undefined;
  private number = 1;
  private broken: number | undefined;
  private rows = 0;
  private readonly erased = new SeqRanges(MOST_RANGES);
  private ended: number | undefined;
  private firstUncovered: string | null = null;

  constructor(
    private readonly header: BundleHeader,
    known: Known,
  ) {
    this.keys = (known.keys ?? header.keys).map(parseVerifierKey);
    if (known.checkpoint === undefined) return;
    this.external = { ...openCheckpoint(known.checkpoint, this.keys), external: true };
    if (this.external.origin !== header.origin) throw new Error(`The given checkpoint is of another log: ${this.external.origin}, not ${header.origin}.`);
  }

  private get own(): Checkpoint | undefined {
    return this.measures.filter(({ external }) => !external).at(-1);
  }

  take(text: string): void {
    this.number += 1;
    // A line that cannot be read is a cut when it is the last one, else an edit.
    if (this.broken !== undefined) this.log().report({ kind: 'edited', seq: this.log().size, row_id: null, detail: `Line ${this.broken} is not one of an export.` });
    this.broken = undefined;
    const line = readLineOr(text);
    if (!line) this.broken = this.number;
    else if ('checkpoint' in line) this.takeCheckpoint(line.checkpoint);
    else if ('end' in line) this.ended = line.end.rows;
    else if ('seq' in line) this.takeRow(line);
    else this.log().report({ kind: 'inserted', seq: this.log().size, row_id: null, detail: `Line ${this.number} is a second header.` });
  }

  finish(): BundleVerdict {
    const log = this.log();
    log.finish();
    const { size } = log;
    if (this.ended !== this.rows) log.report({ kind: 'cut', seq: size, row_id: null, detail: `The end of the file is missing: it was cut off after ${this.rows} rows.` });
    if ((this.own?.size ?? 0) < size) {
      const seq = this.own?.size ?? 0;
      log.report({ kind: 'inserted', seq, row_id: this.firstUncovered, detail: `The rows from ${seq} on are covered by no checkpoint.` });
    }
    return { finding: log.finding, header: this.header, rows: this.rows, erased: this.erased, checkpoints: this.measures.length, newest: this.own };
  }

  private takeCheckpoint(note: string): void {
    const checkpoint = this.opened(note);
    if (this.verifier || !checkpoint || checkpoint.origin !== this.header.origin) {
      this.unsigned ??= { kind: 'unsigned', seq: this.own?.size ?? 0, row_id: null, detail: `The checkpoint in line ${this.number} is not signed with the key of this log, or stands where none belongs.` };
      this.verifier?.report(this.unsigned);
      return;
    }
    this.measures.push(checkpoint);
  }

  private takeRow(line: Extract<BundleLine, { seq: number }>): void {
    const log = this.log();
    this.rows += 1;
    if (line.content === null) this.erased.add(line.seq);
    if (this.rows === (this.own?.size ?? 0) + 1) this.firstUncovered = line.row.id;
    if (line.row.tenant_id !== this.header.tenant_id) log.report({ kind: 'inserted', seq: line.seq, row_id: line.row.id, detail: `Row ${line.seq} is another tenant's.` });
    log.add(toSealedRow(line));
  }

  /** Made with the first row: the checkpoints stand before it. */
  private log(): LogVerifier {
    if (this.verifier) return this.verifier;
    this.verifier = new LogVerifier(this.external ? [...this.measures, this.external] : this.measures);
    if (this.unsigned) this.verifier.report(this.unsigned);
    return this.verifier;
  }

  private opened(note: string): Checkpoint | undefined {
    try {
      return openCheckpoint(note, this.keys);
    } catch (error) {
      if (error instanceof Error) return undefined;
      throw error;
    }
  }
}
