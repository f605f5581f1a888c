import { BUNDLE_FORMAT, BUNDLE_FORMATS, type BundleEnd, type BundleHeader, type BundleLine, type BundleRow, readLine, toSealedRow } from './bundle.js';
import { type Checkpoint, type NoteKey, openCheckpoint, type OpenedNote, openNote, verifierKey } from './checkpoint.js';
import { ErasedDigest, type ExportStatement, openStatement } from './export-statement.js';
import { followHandovers, type Handover, handoverIn, signedTooLate } from './key-handover.js';
import { SeqRanges } from './seq-ranges.js';
import { type Finding, LogVerifier, type Measure } from './log-verifier.js';

/** More are only counted. */
const MOST_RANGES = 1_000;

/** What an auditor has from elsewhere. */
export interface Known {
  /** Checkpoints that were kept: a signed note, or lines of the file that checkpoints are pushed to. */
  checkpoints?: string;
  /** Verifier keys; left out, those in the bundle are believed. */
  keys?: readonly string[];
  /** What keys signed about each other; those in the bundle are followed too. */
  handovers?: readonly string[];
}

export interface BundleVerdict {
  finding: Finding | undefined;
  header: BundleHeader;
  rows: number;
  erased: SeqRanges;
  checkpoints: number;
  newest: Checkpoint | undefined;
  /** Through which other keys than those that are known are believed. */
  followed: Handover[];
}

/**
 * Checks an export of the audit log, line by line, with nothing but what is in it and what the auditor has from elsewhere.
 * @throws Error for what is no export, or one that nothing signs, or for a kept checkpoint or key that is none or belongs to another log
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
  if (!line || !('header' in line) || !BUNDLE_FORMATS.includes(line.header.format) || !Array.isArray(line.header.keys)) {
    throw new Error(`This is no export of an audit log: its first line must be a header of the format ${BUNDLE_FORMAT}.`);
  }
  return line.header;
}

const readLineOr = (text: string): BundleLine | undefined => valueOr(() => readLine(text));

/** Undefined for what is not what it should be. */
function valueOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** The notes in what was kept. */
function notesIn(kept: string, tenantId: string): string[] {
  if (!kept.trimStart().startsWith('{')) return [kept];
  const lines = kept.split('\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as { tenant_id?: unknown; checkpoint?: unknown });
  const notes = lines.filter(({ tenant_id }) => tenant_id === tenantId).map(({ checkpoint }) => checkpoint).filter((note) => typeof note === 'string');
  if (notes.length === 0) throw new Error(`None of the given checkpoints is of tenant ${tenantId}.`);
  return notes;
}

const unsigned = (seq: number, detail: string): Finding => ({ kind: 'unsigned', seq, row_id: null, detail });

class BundleReader {
  private readonly keys: NoteKey[];
  private readonly followed: Handover[];
  private readonly measures: (Measure & Pick<OpenedNote, 'signer'>)[] = [];
  private readonly external: Measure[];
  private verifier: LogVerifier | undefined;
  private unsigned: Finding | undefined;
  private number = 1;
  private broken: number | undefined;
  private rows = 0;
  private readonly erased = new SeqRanges(MOST_RANGES);
  private readonly erasedDigest = new ErasedDigest();
  private end: BundleEnd | undefined;
  private own: Checkpoint | undefined;
  private firstUncovered: string | null = null;

  constructor(
    private readonly header: BundleHeader,
    known: Known,
  ) {
    ({ keys: this.keys, followed: this.followed } = followHandovers(known.keys ?? header.keys, [...(known.handovers ?? []), ...(header.handovers ?? [])]));
    const notes = known.checkpoints === undefined ? [] : notesIn(known.checkpoints, header.tenant_id);
    this.external = notes.map((note) => ({ ...openCheckpoint(note, this.keys), external: true }));
    const foreign = this.external.find(({ origin }) => origin !== header.origin);
    if (foreign) throw new Error(`The given checkpoint is of another log: ${foreign.origin}, not ${header.origin}.`);
  }

  take(text: string): void {
    this.number += 1;
    // A line that cannot be read is a cut when it is the last one, else an edit.
    if (this.broken !== undefined) this.log().report({ kind: 'edited', seq: this.log().size, row_id: null, detail: `Line ${this.broken} is not one of an export.` });
    this.broken = undefined;
    const line = readLineOr(text);
    if (!line) this.broken = this.number;
    else if (this.end) this.log().report({ kind: 'inserted', seq: this.log().size, row_id: null, detail: `Line ${this.number} stands behind the end.` });
    else if ('checkpoint' in line) this.takeCheckpoint(line.checkpoint);
    else if ('end' in line) this.end = line.end;
    else if ('seq' in line) this.takeRow(line);
    else this.log().report({ kind: 'inserted', seq: this.log().size, row_id: null, detail: `Line ${this.number} is a second header.` });
  }

  finish(): BundleVerdict {
    const log = this.log();
    log.finish();
    if (!log.finding && !this.own) throw new Error('Nothing in this file is signed: there is no checkpoint in it.');
    const { size } = log;
    if (this.end?.rows !== this.rows) log.report({ kind: 'cut', seq: size, row_id: null, detail: `The end of the file is missing: it was cut off after ${this.rows} rows.` });
    if ((this.own?.size ?? 0) < size) {
      const seq = this.own?.size ?? 0;
      log.report({ kind: 'inserted', seq, row_id: this.firstUncovered, detail: `The rows from ${seq} on are covered by no checkpoint.` });
    }
    this.checkStatement(log);
    return { finding: log.finding, header: this.header, rows: this.rows, erased: this.erased, checkpoints: this.measures.length, newest: this.own, followed: this.followed };
  }

  /** What the installation signed when the export ended: a file that was cut at a checkpoint, end and header fitted, has no such thing. */
  private checkStatement(log: LogVerifier): void {
    if (log.finding) return;
    const { size } = log;
    const said = this.statement();
    const { count, digest } = this.erasedDigest.value;
    if (!said) log.report({ kind: 'unsigned', seq: size, row_id: null, detail: 'The end of the file is not signed with the key of this log.' });
    else if (size < said.size) log.report({ kind: 'cut', seq: size, row_id: null, detail: `The export had ${said.size} rows: the tail was cut off.` });
    else if (size > said.size) log.report({ kind: 'inserted', seq: said.size, row_id: null, detail: `The export had ${said.size} rows.` });
    else if (!said.root.equals(log.root) || this.header.size !== size || this.header.exported_at !== said.time) log.report({ kind: 'edited', seq: 0, row_id: null, detail: 'The first line is not the one that this export was made with.' });
    else if (said.erased.count !== count || said.erased.digest !== digest) {
      const seq = this.erased.ranges[0]?.from ?? 0;
      log.report({ kind: 'content_missing', seq, row_id: null, detail: `The content of ${count} rows is not there; it was erased of ${said.erased.count} when the export was made.` });
    }
  }

  private statement(): ExportStatement | undefined {
    const said = this.end && valueOr(() => openStatement(this.end?.note ?? '', this.keys));
    return said?.origin === this.header.origin && !this.isReplaced(said.signer) ? said : undefined;
  }

  /** Whether a key had been replaced when the export was made: another one signed it then. */
  private isReplaced(signer: NoteKey): boolean {
    const line = verifierKey(signer);
    return signer.until !== undefined && (this.header.handovers ?? []).flatMap(handoverIn).some(({ from }) => from === line);
  }

  private takeCheckpoint(note: string): void {
    const checkpoint = valueOr(() => openNote(note, this.keys));
    if (this.verifier || !checkpoint || checkpoint.origin !== this.header.origin) {
      this.unsigned ??= unsigned(this.own?.size ?? 0, `The checkpoint in line ${this.number} is not signed with the key of this log, or stands where none belongs.`);
      this.verifier?.report(this.unsigned);
      return;
    }
    this.measures.push(checkpoint);
    if (checkpoint.size > (this.own?.size ?? -1)) this.own = checkpoint;
  }

  private takeRow(line: BundleRow): void {
    const log = this.log();
    this.rows += 1;
    if (line.content === null) {
      this.erased.add(line.seq);
      this.erasedDigest.add(line.seq);
    }
    if (this.rows === (this.own?.size ?? 0) + 1) this.firstUncovered = line.row.id;
    if (line.row.tenant_id !== this.header.tenant_id) log.report({ kind: 'inserted', seq: line.seq, row_id: line.row.id, detail: `Row ${line.seq} is another tenant's.` });
    log.add(toSealedRow(line));
  }

  /** Made with the first row: the checkpoints stand before it. */
  private log(): LogVerifier {
    if (this.verifier) return this.verifier;
    const late = signedTooLate(this.measures);
    if (late) this.unsigned ??= unsigned(late.size, `The checkpoint of ${late.size} rows is signed with a key that had been replaced when the log had less.`);
    this.verifier = new LogVerifier([...this.measures, ...this.external]);
    if (this.unsigned) this.verifier.report(this.unsigned);
    return this.verifier;
  }
}
