import { generateKeyPairSync } from 'node:crypto';
import { type NoteKey, signCheckpoint, verifierKey } from './checkpoint.js';
import { ErasedDigest, signStatement } from './export-statement.js';
import { leafHash } from './merkle.js';
import { type Mark, markAfter, openMark, openRestore, signRestore } from './restore-statement.js';

const signer: NoteKey = { name: 'log', key: generateKeyPairSync('ed25519').privateKey };
const stranger: NoteKey = { name: 'log', key: generateKeyPairSync('ed25519').privateKey };
const at = (minute: number): string => `2026-01-31T09:${String(minute).padStart(2, '0')}:00.000Z`;

function mark(size: number, minute: number, key = signer): Mark {
  const checkpoint = { origin: 'log/tenant', size, root: leafHash(Buffer.from(`${size} ${minute}`)), time: at(minute) };
  return { ...checkpoint, note: signCheckpoint(checkpoint, key) };
}
const restored = ({ size, root, time }: Mark, replaced: string | null, key = signer): string =>
  signRestore({ origin: 'log/tenant', size, root, time, mark: replaced, reason: 'line\nline', by: { kind: 'user', id: 'x' } }, key);
const opened = (state: Mark, replaced: string | null) => openRestore(restored(state, replaced), [signer]);

describe('an accepted restore', () => {
  it('says what it was signed for, and is nothing when another signed it', () => {
    const old = mark(80, 10);
    expect(opened(mark(50, 20), old.note)).toMatchObject({ size: 50, reason: 'line\nline', mark: old.note, replaced: { size: 80 } });
    expect(() => openRestore(restored(mark(50, 20), old.note, stranger), [signer])).toThrow('not signed');
    expect(() => openRestore(old.note, [signer])).toThrow('accepts nothing');
  });

  it('takes the place of the mark that it names, and of those before it that other processes have', () => {
    const restore = opened(mark(50, 20), mark(80, 10).note);
    for (const before of [mark(80, 10), mark(70, 9)]) expect(markAfter(before, [restore])).toMatchObject({ size: 50, note: restore.note });
    expect(markAfter(undefined, [restore])).toBeUndefined();
  });

  it('is no leave to go back to it later', () => {
    const restore = opened(mark(50, 20), mark(80, 10).note);
    for (const after of [mark(60, 21), mark(81, 22)]) expect(markAfter(after, [restore])).toBe(after);
  });

  it('names a mark that nobody signed for that one alone', () => {
    const forged = mark(9_000, 59, stranger);
    const restore = opened(mark(50, 20), forged.note);
    expect(markAfter(mark(60, 21), [restore])).toMatchObject({ size: 60 });
    expect(markAfter(forged, [restore])).toMatchObject({ size: 50 });
  });

  it('names a mark of another log, or a note of another kind, for that one alone', () => {
    const elsewhere = { origin: 'log/another', size: 9_000, root: leafHash(Buffer.from('x')), time: at(59) };
    for (const note of [signCheckpoint(elsewhere, signer), signStatement({ ...elsewhere, origin: 'log/tenant', erased: new ErasedDigest().value }, signer)]) {
      const restore = opened(mark(50, 20), note);
      expect(restore.replaced).toBeUndefined();
      expect(markAfter(mark(60, 21), [restore])).toMatchObject({ size: 60 });
    }
    expect(openMark(restored(mark(50, 20), null), [signer], 'log/tenant')).toMatchObject({ size: 50, key: verifierKey(signer) });
  });

  it('follows others', () => {
    const [first, second] = [opened(mark(50, 20), mark(80, 10).note), opened(mark(40, 40), mark(60, 30).note)];
    expect(markAfter(mark(70, 9), [first, second])).toMatchObject({ size: 40 });
  });
});
