import fc from 'fast-check';
import { contentHash, leafOf, type LeafRow } from './leaf.js';
import { asSealed, LogVerifier, type Measure, type SealedRow } from './log-verifier.js';
import { GrowingTree } from './merkle.js';

const SALT = Buffer.alloc(32, 7);

/** A log with a checkpoint every three rows, and at its end. */
function log(count: number): { rows: SealedRow[]; measures: Measure[] } {
  const tree = new GrowingTree();
  const measures: Measure[] = [];
  const rows = Array.from({ length: count }, (_, seq) => {
    const text = `{"seq":${seq}}`;
    const row: LeafRow = {
      tenant_id: 't', id: `id-${seq}`, actor_kind: 'user', actor_id: 'u', action: 'a', outcome: 'done', resource_type: null, resource_id: null, request_id: null,
      occurred_at: '2026-01-01T00:00:00.000Z', content_hash: contentHash(SALT, text).toString('hex'),
    };
    const leafHash = leafOf(row, seq);
    tree.append(leafHash);
    if (tree.size % 3 === 0 || tree.size === count) measures.push({ origin: 'o', size: tree.size, root: tree.root(), time: '' });
    return { seq, row, leafHash, content: { text, salt: SALT } };
  });
  return { rows, measures };
}

function verdict(rows: readonly SealedRow[], measures: readonly Measure[]): string {
  const verifier = new LogVerifier(measures);
  rows.forEach((row) => verifier.add(row));
  const finding = verifier.finish();
  return finding ? `${finding.kind} ${finding.seq}` : 'ok';
}

const renumbered = (rows: readonly SealedRow[]): SealedRow[] => rows.map((row, seq) => ({ ...row, seq }));
const refitted = (rows: readonly SealedRow[]): SealedRow[] => renumbered(rows).map((row) => ({ ...row, leafHash: leafOf(row.row, row.seq) }));

/** A log of 2 to 40 rows, and one of its rows that is not the last. */
const place = fc.integer({ min: 3, max: 40 }).chain((count) => fc.tuple(fc.constant(count), fc.integer({ min: 0, max: count - 2 })));
const holds = (property: (rows: SealedRow[], measures: Measure[], at: number) => void): void => {
  fc.assert(fc.property(place, ([count, at]) => property(log(count).rows, log(count).measures, at)), { numRuns: 60 });
};

describe('a row as its leaf says it', () => {
  const { rows } = log(5);
  const known = rows.map((entry) => ({ ...entry, row: { ...entry.row, subject: 'agent/a' } }));

  it('does not say whose content it has, when it was sealed before that was said; wherever it was put', () => {
    expect(known.map(asSealed)).toEqual(rows);
    expect(asSealed({ ...known[1]!, seq: 3 })).toEqual({ ...rows[1]!, seq: 3 });
  });

  it('says it since, whatever it is given out as', () => {
    const sealed = known.map((entry) => ({ ...entry, leafHash: leafOf(entry.row, entry.seq) }));
    expect(sealed.map(asSealed)).toEqual(sealed);
    const given = { ...sealed[2]!, row: { ...sealed[2]!.row, subject: 'agent/b' } };
    expect(asSealed(given)).toEqual(given);
    expect(verdict([...sealed.slice(0, 2), asSealed(given)], [])).toBe('edited 2');
  });
});

describe('the verifier of a log', () => {
  it('finds nothing in one that is whole, whatever was erased', () => {
    holds((rows, measures, at) => {
      expect(verdict(rows, measures)).toBe('ok');
      expect(verdict(rows.with(at, { ...rows[at]!, content: null }), measures)).toBe('ok');
    });
  });

  it('names a row that was edited, and content that was', () => {
    holds((rows, measures, at) => {
      expect(verdict(rows.with(at, { ...rows[at]!, row: { ...rows[at]!.row, actor_id: 'x' } }), measures)).toBe(`edited ${at}`);
      expect(verdict(rows.with(at, { ...rows[at]!, content: { text: 'x', salt: SALT } }), measures)).toBe(`edited ${at}`);
    });
  });

  it('names a row that was taken out, also when the others close the gap', () => {
    holds((rows, measures, at) => {
      const left = rows.toSpliced(at, 1);
      expect(verdict(left, measures)).toBe(`deleted ${at}`);
      expect(verdict(renumbered(left), measures)).toBe(`deleted ${at}`);
    });
  });

  it('names a row that was put in, also when the others make room', () => {
    holds((rows, measures, at) => {
      const forged = { ...rows[at]!, row: { ...rows[at]!.row, id: 'forged' } };
      expect(verdict(rows.toSpliced(at + 1, 0, forged), measures)).toBe(`inserted ${at}`);
      expect(verdict(renumbered(rows.toSpliced(at, 0, forged)), measures)).toBe(`inserted ${at}`);
      const fitting = { ...forged, leafHash: leafOf(forged.row, at) };
      expect(verdict(renumbered(rows.toSpliced(at, 0, fitting)), measures)).toBe(`inserted ${at}`);
    });
  });

  it('names the first of rows that changed places', () => {
    holds((rows, measures, at) => {
      const swapped = rows.with(at, rows[at + 1]!).with(at + 1, rows[at]!);
      expect(verdict(swapped, measures)).toBe(`reordered ${at}`);
      expect(verdict(renumbered(swapped), measures)).toBe(`reordered ${at}`);
    });
  });

  it('names where the tail was cut off', () => {
    holds((rows, measures, at) => expect(verdict(rows.slice(0, at + 1), measures)).toBe(`cut ${at + 1}`));
  });

  it('tells by the checkpoints when every hash was made to fit', () => {
    holds((rows, measures, at) => {
      const forged = refitted(rows.with(at, { ...rows[at]!, row: { ...rows[at]!.row, actor_id: 'x' } }));
      expect(verdict(forged, measures)).toBe(`rewritten ${at - (at % 3)}`);
    });
  });

  it('tells an older state by a checkpoint from elsewhere', () => {
    holds((rows, measures, at) => {
      const older = log(at + 1);
      const kept = { ...measures.at(-1)!, external: true };
      expect(verdict(older.rows, older.measures)).toBe('ok');
      expect(verdict(older.rows, [...older.measures, kept])).toBe(`restored ${at + 1}`);
      expect(rows.length).toBeGreaterThan(older.rows.length);
    });
  });
});
