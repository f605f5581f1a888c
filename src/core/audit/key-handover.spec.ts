import { generateKeyPairSync } from 'node:crypto';
import { type NoteKey, openCheckpoint, signCheckpoint, verifierKey } from './checkpoint.js';
import { followHandovers, openHandover, signedTooLate, signHandover } from './key-handover.js';
import { EMPTY_ROOT } from './merkle.js';

const newKey = (name = 'log'): NoteKey => ({ name, key: generateKeyPairSync('ed25519').privateKey });
const TIME = '2026-01-31T09:30:00.000Z';

describe('handovers between keys', () => {
  const [first, second, third, stranger] = [newKey(), newKey(), newKey(), newKey()];
  const [one, two, three, other] = [first, second, third, stranger].map((key) => verifierKey(key)) as [string, string, string, string];
  const notes = [signHandover(second, third, TIME), signHandover(first, second, TIME)];
  const lines = (known: string[], given: readonly string[]): string[] => followHandovers(known, given).keys.map(verifierKey).sort();

  it('lead from any key to those after it and before it, whatever their order', () => {
    for (const known of [one, two, three]) expect(lines([known], notes)).toEqual([one, two, three].sort());
    expect(followHandovers([one], notes).followed).toEqual([{ from: one, to: two, time: TIME }, { from: two, to: three, time: TIME }]);
    expect(followHandovers([one, two, three], notes).followed).toEqual([]);
  });

  it('do not lead from a key that came before to others than the one that is known, nor to one of two', () => {
    const stolen = [...notes, signHandover(first, stranger, TIME)];
    expect(lines([two], stolen)).toEqual([one, two, three].sort());
    expect(lines([one], stolen)).toEqual([one]);
    expect(lines([one, two], stolen)).toEqual([one, two, three].sort());
  });

  it('say from when to when each key signs: what it signed later is not believed', () => {
    const later = '2026-02-01T00:00:00.000Z';
    const { keys } = followHandovers([one], [signHandover(first, second, TIME), signHandover(second, third, later)]);
    expect(keys.map(({ since, until }) => [since, until])).toEqual([[undefined, TIME], [TIME, later], [later, undefined]]);
    const at = (time: string, key: NoteKey): string => signCheckpoint({ origin: 'log/x', size: 1, root: EMPTY_ROOT, time }, key);
    expect(openCheckpoint(at(TIME, first), keys).time).toBe(TIME);
    expect(() => openCheckpoint(at('2026-01-31T09:30:00.001Z', first), keys)).toThrow('was replaced on');
    expect(openCheckpoint(at(later, third), keys).time).toBe(later);
  });

  it('show a key that signed for more rows than the one after it had begun with, whatever time it says', () => {
    const [old, next] = followHandovers([one], [signHandover(first, second, TIME)]).keys as [NoteKey, NoteKey];
    const of = (size: number, signer: NoteKey): { size: number; signer: NoteKey } => ({ size, signer });
    expect(signedTooLate([of(1, old), of(5, old), of(6, next), of(9, next)])).toBeUndefined();
    expect(signedTooLate([of(9, next), of(7, old), of(6, next)])).toMatchObject({ size: 7 });
  });

  it('lead nowhere for who knows none of their keys', () => {
    expect(lines([other], notes)).toEqual([other]);
  });

  it('are signed by both, for the name that both have, and for nothing else', () => {
    const note = notes[1]!;
    expect(openHandover(note)).toEqual({ from: one, to: two, time: TIME });
    const signatures = note.trimEnd().split('\n').slice(-2);
    for (const changed of [note.replace(two, other), note.replace(TIME, '2027-01-31T09:30:00.000Z'), note.replace(`${signatures[1]}\n`, ''), note.replace(`${signatures[0]}\n`, ''), 'nothing', '']) {
      expect(() => openHandover(changed)).toThrow();
      expect(lines([one], [changed])).toEqual([one]);
    }
    expect(() => openHandover(signHandover(newKey('a'), newKey('b'), TIME))).toThrow('both');
  });
});
