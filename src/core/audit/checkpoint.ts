import { createPublicKey, hash as digest, type KeyObject, sign, verify } from 'node:crypto';
import { HASH_BYTES, type Hash } from './merkle.js';

/** What a log says of itself: its name, its size and its root at that size (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** The log's name, the same for ever. */
  origin: string;
  size: number;
  root: Hash;
  /** When it was made, by the sequencer's database. */
  time: string;
}

/** A key that signs or checks notes, under the name that stands on the signature line (C2SP signed-note). */
export interface NoteKey {
  name: string;
  key: KeyObject;
  /** When it took the place of the one before it; undefined for the first. */
  since?: string;
  /** When another took its place: nothing that says a later time is believed for being signed with it. */
  until?: string;
}

const ED25519 = Buffer.of(1);
const KEY_ID_BYTES = 4;
const SIGNATURE_BYTES = 64;
/** What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** The 32 bytes of an Ed25519 public key. */
export function rawPublicKey(key: KeyObject): Buffer {
  const { x } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return Buffer.from(x ?? '', 'base64url');
}

export function publicKeyOf(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
}

function keyId({ name, key }: NoteKey): Buffer {
  return digest('sha256', Buffer.concat([Buffer.from(`${name}\n`), ED25519, rawPublicKey(key)]), 'buffer').subarray(0, KEY_ID_BYTES);
}

/** A verifier key as one line: `name+id+base64` (C2SP signed-note). */
export function verifierKey(key: NoteKey): string {
  return `${key.name}+${keyId(key).toString('hex')}+${Buffer.concat([ED25519, rawPublicKey(key.key)]).toString('base64')}`;
}

/** @throws Error for what is no Ed25519 verifier key */
export function parseVerifierKey(line: string): NoteKey {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(line.trim());
  const bytes = Buffer.from(match?.[3] ?? '', 'base64');
  if (!match?.[1] || bytes.length !== HASH_BYTES + 1 || bytes[0] !== ED25519[0]) throw new Error('This is no Ed25519 verifier key (name+id+base64).');
  const key = { name: match[1], key: publicKeyOf(bytes.subarray(1)) };
  if (keyId(key).toString('hex') !== match[2]) throw new Error('The id of the verifier key does not fit its bytes.');
  return key;
}

/** The signed note: origin, size, root and time, then the signature line. */
export const signCheckpoint = (checkpoint: Checkpoint, signer: NoteKey): string => signNote(checkpoint, [], signer);

/** @param more extension lines, as tlog-checkpoint allows them behind the root */
export function signNote({ origin, size, root, time }: Checkpoint, more: readonly string[], signer: NoteKey): string {
  const text = [origin, size, root.toString('base64'), `time ${time}`, ...more, ''].join('\n');
  return `${text}\n${signatureLine(text, signer)}\n`;
}

/** The line that stands under a signed text (C2SP signed-note). The text ends in a line feed. */
export function signatureLine(text: string, signer: NoteKey): string {
  const signature = sign(null, Buffer.from(text), signer.key);
  return `\u2014 ${signer.name} ${Buffer.concat([keyId(signer), signature]).toString('base64')}`;
}

/**
 * Reads a signed note and checks it.
 * @throws Error for what is no checkpoint, or is signed by none of the keys
 */
export function openCheckpoint(note: string, keys: readonly NoteKey[]): Checkpoint {
  const { origin, size, root, time } = openNote(note, keys);
  return { origin, size, root, time };
}

/** A note with the extension lines behind the time, and the key that signed it. */
export interface OpenedNote extends Checkpoint {
  more: string[];
  signer: NoteKey;
}

/** Like `openCheckpoint`, with all that there is. */
export function openNote(note: string, keys: readonly NoteKey[]): OpenedNote {
  const split = note.indexOf('\n\n');
  const signer = split < 0 ? undefined : signerOf(note.slice(0, split + 1), note.slice(split + 2), keys);
  if (!signer) throw new Error('The checkpoint is not signed by the key of this log.');
  const said = readNote(note);
  if (signer.until !== undefined && said.time > signer.until) throw new Error(`The checkpoint is not signed by the key of this log: that one was replaced on ${signer.until}.`);
  return { ...said, signer };
}

/**
 * What a note says, whoever signed it: for one that comes from a trusted place.
 * @throws Error for what is no checkpoint
 */
export function readNote(note: string): Checkpoint & { more: string[] } {
  const [origin = '', size = '', root = '', time = '', ...more] = note.slice(0, note.indexOf('\n\n') + 1).split('\n').slice(0, -1);
  const bytes = Buffer.from(root, 'base64');
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || bytes.length !== HASH_BYTES || bytes.toString('base64') !== root) throw new Error('This is no checkpoint.');
  return { origin, size: Number(size), root: bytes, time: time.replace(/^time /, ''), more };
}

/** Whether one of the signature lines is by one of the keys. */
export const signedByOneOf = (text: string, signatures: string, keys: readonly NoteKey[]): boolean => signerOf(text, signatures, keys) !== undefined;

function signerOf(text: string, signatures: string, keys: readonly NoteKey[]): NoteKey | undefined {
  for (const line of signatures.split('\n')) {
    const match = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
    const bytes = Buffer.from(match?.[2] ?? '', 'base64');
    if (bytes.length !== KEY_ID_BYTES + SIGNATURE_BYTES) continue;
    const signer = keys.find((key) => key.name === match?.[1] && keyId(key).equals(bytes.subarray(0, KEY_ID_BYTES)) && verify(null, Buffer.from(text), key.key, bytes.subarray(KEY_ID_BYTES)));
    if (signer) return signer;
  }
  return undefined;
}
