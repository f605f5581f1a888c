import { generateKeyPairSync } from 'node:crypto';
import { openCheckpoint, parseVerifierKey, publicKeyOf, rawPublicKey, signCheckpoint, verifierKey } from './checkpoint.js';
import { leafHash } from './merkle.js';

const made = (name: string) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { signer: { name, key: privateKey }, known: { name, key: publicKey } };
};
const { signer, known } = made('wheelhouse.audit/1');
const checkpoint = { origin: 'wheelhouse.audit/1/tenant', size: 1234, root: leafHash(Buffer.from('x')), time: '2026-01-31T09:30:00.000Z' };
const note = signCheckpoint(checkpoint, signer);

describe('a checkpoint', () => {
  it('is a signed note: origin, size, root, a line of its own, an empty one, the signature', () => {
    const lines = note.split('\n');
    expect(lines.slice(0, 5)).toEqual([checkpoint.origin, '1234', checkpoint.root.toString('base64'), 'time 2026-01-31T09:30:00.000Z', '']);
    expect(lines[5]).toMatch(/^\u2014 wheelhouse\.audit\/1 [A-Za-z0-9+/]{90,}=*$/);
    expect([lines.length, lines[6]]).toEqual([7, '']);
    expect(openCheckpoint(note, [made('other').known, known])).toEqual(checkpoint);
  });

  it.each([
    ['another size', note.replace('1234', '1235')],
    ['another origin', note.replace('/tenant', '/other')],
    ['another time', note.replace('09:30', '09:31')],
    ['no signature', note.slice(0, note.indexOf('\n\n') + 2)],
    ['a cut signature', note.slice(0, -8)],
    ['nothing', ''],
  ])('is refused with %s', (_, forged) => {
    expect(() => openCheckpoint(forged, [known])).toThrow();
  });

  it('is refused under a key that it was not signed with, though the name fits', () => {
    expect(() => openCheckpoint(note, [made(signer.name).known])).toThrow('not signed');
    expect(() => openCheckpoint(note, [{ ...known, name: 'another' }])).toThrow('not signed');
  });

  it('has a key that goes on one line', () => {
    const line = verifierKey(known);
    expect(openCheckpoint(note, [parseVerifierKey(`${line}\n`)])).toEqual(checkpoint);
    expect(verifierKey(signer)).toBe(line);
    expect(rawPublicKey(publicKeyOf(rawPublicKey(known.key)))).toEqual(rawPublicKey(signer.key));
    for (const bad of ['', 'name', line.replace('+', '-'), `x${line}`, line.slice(0, -5)]) expect(() => parseVerifierKey(bad)).toThrow();
  });

  it('takes the verifier key of the specification', () => {
    // C2SP signed-note, example.
    const example = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    expect(verifierKey(parseVerifierKey(example))).toBe(example);
  });
});
