import { type NoteKey, parseVerifierKey, signatureLine, signedByOneOf, verifierKey } from './checkpoint.js';

/** One key of an installation gives way to another. */
export interface Handover {
  /** Verifier keys. */
  from: string;
  to: string;
  time: string;
}

const MARK = 'key handover';
/** Nobody replaces a key more often; a file that says so is not looked through for ever. */
const MOST = 1_000;

/** A signed note that names both keys, signed by both: whoever knows one of them knows the other. */
export function signHandover(from: NoteKey, to: NoteKey, time: string): string {
  const text = [from.name, MARK, `from ${verifierKey(from)}`, `to ${verifierKey(to)}`, `time ${time}`, ''].join('\n');
  return `${text}\n${signatureLine(text, from)}\n${signatureLine(text, to)}\n`;
}

/** @throws Error for what is none, or is not signed by both keys */
export function openHandover(note: string): Handover {
  const split = note.indexOf('\n\n');
  const text = note.slice(0, split + 1);
  const match = /^(\S+)\nkey handover\nfrom (\S+)\nto (\S+)\ntime (\S+)\n$/.exec(text);
  if (split < 0 || !match) throw new Error('This is no handover between two keys.');
  const [, name, from = '', to = '', time = ''] = match;
  for (const key of [from, to].map(parseVerifierKey)) {
    if (key.name !== name || !signedByOneOf(text, note.slice(split + 2), [key])) throw new Error('A handover is signed by both of its keys.');
  }
  return { from, to, time };
}

/**
 * The keys that are known, and those that they lead to, in either direction: a key vouches for the one that came after it, and for
 * the one before.
 */
export function followHandovers(known: readonly string[], notes: readonly string[]): { keys: NoteKey[]; followed: Handover[] } {
  const believed = new Set(known.map((line) => line.trim()));
  const followed: Handover[] = [];
  const left = notes.slice(0, MOST).flatMap(openedOr);
  for (let next = left.findIndex(leads); next >= 0; next = left.findIndex(leads)) {
    const [handover] = left.splice(next, 1) as [Handover];
    if (!believed.has(handover.from) || !believed.has(handover.to)) followed.push(handover);
    believed.add(handover.from).add(handover.to);
  }
  return { keys: [...believed].map(parseVerifierKey), followed };

  function leads({ from, to }: Handover): boolean {
    return believed.has(from) || believed.has(to);
  }
}

/** What is no handover leads nowhere. */
function openedOr(note: string): Handover[] {
  try {
    return [openHandover(note)];
  } catch (error) {
    if (error instanceof Error) return [];
    throw error;
  }
}
