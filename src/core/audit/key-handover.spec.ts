import { generateKeyPairSync } from 'node:crypto';
import { type NoteKey, verifierKey } from './checkpoint.js';
import { followHandovers, openHandover, signHandover } from './key-handover.js';

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
