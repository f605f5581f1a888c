import { type Checkpoint } from './checkpoint.js';
import { contentHash, leafOf, type LeafRow } from './leaf.js';
import { type CompletedNode, GrowingTree, type Hash } from './merkle.js';

/** A sealed row as it is kept or exported. */
export interface SealedRow {
  seq: number;
  row: LeafRow;
  leafHash: Hash;
  /** Null when it was erased, or is not looked at. */
  content: { text: string; salt: Buffer } | null;
}

/** What is wrong: `foreign`: a key is not the installation's; `content_missing`: content is not there and was not erased by a purge; `tree_damaged`: the rows are right, and the stored tree that proofs are made of is not; `edited` a row, `deleted`, `inserted` or `reordered` it; `cut` the tail; `rewritten`: from a place on the rows are others than those that were sealed; `restored`: an older state. */
export type FindingKind = 'edited' | 'deleted' | 'inserted' | 'reordered' | 'cut' | 'rewritten' | 'restored' | 'unsigned' | 'foreign' | 'content_missing' | 'tree_damaged';

export interface Finding {
  kind: FindingKind;
  /** The first wrong row; of `cut` and `restored` the first that is missing. */
  seq: number;
  row_id: string | null;
  detail: string;
}

/** A checkpoint to measure against. */
export interface Measure extends Checkpoint {
  /** Whether it was kept elsewhere than the log: the log's own were restored together with it. */
  external?: boolean;
  /** What it is called; `given` by the caller when left out. */
  named?: string;
}

/** So many places to each side are tried to find the one that a row was sealed at: some milliseconds. */
const MOST_PLACES = 1_000;

/**
 * Checks a log row by row, in the order of their numbers, against its checkpoints. It stops at the first row that is
 * wrong and names it; what comes later only tells what kind of wrong it is.
 */
export class LogVerifier {
  private readonly tree = new GrowingTree();
  private readonly measures: Measure[];
  private previous: SealedRow | undefined;
  private found: Finding | undefined;
  /** The largest size at which the root was seen to be right. */
  private provenSize = 0;
  /** How many of the measures, which are in order, have been met. */
  private measured = 0;

  /** @param onNodes is given the inner nodes of the tree as rows that are right complete them */
  constructor(
    measures: readonly Measure[],
    private readonly onNodes: (nodes: readonly CompletedNode[]) => void = () => undefined,
  ) {
    this.measures = [...measures].sort((a, b) => a.size - b.size);
    this.measure();
  }

  get finding(): Finding | undefined {
    return this.found;
  }

  /** Whether nothing that comes later can say more of what was found. */
  get isSettled(): boolean {
    return this.found !== undefined && !['deleted', 'edited', 'rewritten'].includes(this.found.kind);
  }

  get size(): number {
    return this.tree.size;
  }

  get root(): Hash {
    return this.tree.root();
  }

  /** Notes what somebody else found, unless there is something already. */
  report(finding: Finding): void {
    this.found ??= finding;
  }

  /** The row with the next number is not there. */
  addMissing(seq: number, rowId: string | null): void {
    this.report({ kind: 'deleted', seq, row_id: rowId, detail: `Row ${seq} was sealed and is not there.` });
  }

  add(entry: SealedRow): void {
    if (this.found) this.reconsider(this.found, entry);
    else this.check(entry, this.tree.size);
  }

  /** @returns what is wrong, or undefined; to be called after the last row */
  finish(): Finding | undefined {
    const unmet = this.found ? undefined : this.measures.find(({ size }) => size > this.tree.size);
    if (unmet) this.report(this.shortOf(unmet));
    return this.found;
  }

  private check(entry: SealedRow, expected: number): void {
    const problem = this.misplaced(entry, expected) ?? this.altered(entry, expected);
    if (problem) {
      this.report(problem);
      return;
    }
    this.onNodes(this.tree.append(entry.leafHash));
    this.previous = entry;
    this.measure();
  }

  private misplaced({ seq, row }: SealedRow, expected: number): Finding | undefined {
    if (seq > expected) return { kind: 'deleted', seq: expected, row_id: null, detail: `Row ${expected} is missing: row ${seq} stands in its place.` };
    if (seq < expected) return { kind: 'inserted', seq, row_id: row.id, detail: `There is a second row ${seq}.` };
    return undefined;
  }

  private altered(entry: SealedRow, seq: number): Finding | undefined {
    const { row, content } = entry;
    if (!leafOf(row, seq).equals(entry.leafHash)) return this.movedOrEdited(entry, seq);
    if (content && contentHash(content.salt, content.text).toString('hex') !== row.content_hash) {
      return { kind: 'edited', seq, row_id: row.id, detail: `The content of row ${seq} is not the one that was sealed.` };
    }
    return undefined;
  }

  /** A row whose hash fits another place was moved there; one that fits none was edited. */
  private movedOrEdited(entry: SealedRow, seq: number): Finding {
    const { id } = entry.row;
    const place = placeOf(entry, seq);
    if (place === undefined) return { kind: 'edited', seq, row_id: id, detail: `Row ${seq} is not what was sealed.` };
    if (place === seq - 1) return this.putInBefore(seq);
    if (place > seq) return { kind: 'deleted', seq, row_id: null, detail: `Row ${seq} is missing: the row at its place was sealed as row ${place}.` };
    return { kind: 'reordered', seq, row_id: id, detail: `Row ${seq} was sealed as row ${place}.` };
  }

  private putInBefore(seq: number): Finding {
    return { kind: 'inserted', seq: seq - 1, row_id: this.previous?.row.id ?? null, detail: `Row ${seq - 1} was put in: the row behind it was sealed at its place.` };
  }

  /** A later row may show that a row is not missing but elsewhere, or not edited but put in. */
  private reconsider(finding: Finding, entry: SealedRow): void {
    if (this.isSettled) return;
    const { seq, row } = entry;
    if (finding.kind === 'rewritten') {
      // The row behind the last one says whether that one was put in.
      if (seq === this.tree.size && leafOf(row, seq - 1).equals(entry.leafHash)) this.found = this.putInBefore(seq);
      return;
    }
    const belongs = seq === finding.seq ? row.id !== finding.row_id : leafOf(row, finding.seq).equals(entry.leafHash);
    if (!belongs) return;
    this.found = finding.kind === 'edited' && seq <= finding.seq + 1
      ? { ...finding, kind: 'inserted', detail: `Row ${finding.seq} was put in: the row behind it was sealed at its place.` }
      : { ...finding, kind: 'reordered', row_id: row.id, detail: `Row ${finding.seq} stands at another place than the one it was sealed at.` };
  }

  private measure(): void {
    for (let measure = this.measures[this.measured]; measure?.size === this.tree.size; measure = this.measures[this.measured]) {
      this.measured += 1;
      if (measure.root.equals(this.tree.root())) this.provenSize = measure.size;
      else this.report(this.otherThan(measure));
    }
  }

  private otherThan({ size, external, named = 'given ' }: Measure): Finding {
    const [first, last] = [this.provenSize, size - 1];
    const where = first === last ? `Row ${first} is` : `Of the rows ${first} to ${last} at least one is`;
    return { kind: 'rewritten', seq: first, row_id: null, detail: `${where} not what the ${external ? named : ''}checkpoint of ${size} rows was made of, though the hashes were made to fit.` };
  }

  private shortOf({ size, external }: Measure): Finding {
    const kept = this.tree.size;
    const own = this.measures.some((measure) => !measure.external && measure.size > kept);
    if (external && !own) return { kind: 'restored', seq: kept, row_id: null, detail: `The log ends before row ${kept}; the given checkpoint has ${size} rows: an older state was restored, or the tail cut off.` };
    return { kind: 'cut', seq: kept, row_id: null, detail: `The rows from ${kept} to ${size - 1} are missing: the tail was cut off.` };
  }
}

/** A row with just what its leaf says of it: those of the first version do not say whose content it has. */
export function asSealed(entry: SealedRow): SealedRow {
  const { seq, leafHash } = entry;
  if (leafOf(entry.row, seq).equals(leafHash)) return entry;
  const row = { ...entry.row };
  delete row.subject;
  const first = { ...entry, row };
  return leafOf(row, seq).equals(leafHash) || placeOf(first, seq) !== undefined ? first : entry;
}

/** The number that a row was sealed with, looked for around the one it has. */
function placeOf({ row, leafHash }: SealedRow, seq: number): number | undefined {
  for (let distance = 1; distance <= MOST_PLACES; distance += 1) {
    for (const place of [seq + distance, seq - distance]) {
      if (place >= 0 && leafOf(row, place).equals(leafHash)) return place;
    }
  }
  return undefined;
}
