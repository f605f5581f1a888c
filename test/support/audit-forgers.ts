import { generateKeyPairSync } from 'node:crypto';
import type { NoteKey } from '../../src/core/audit/checkpoint.js';

/** A key that signs under the name which a note is signed by, and is not the installation's. */
export function ownSigner(note: string): NoteKey {
  const name = /^— (\S+) /m.exec(note)?.[1] ?? '';
  return { name, key: generateKeyPairSync('ed25519').privateKey };
}
