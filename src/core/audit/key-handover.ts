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
 * The keys that are known, those that they gave way to, and those that came before. Not the others that one from before gave way to: its secret
 * may have got out since. Nor any of two that a key is said to have given way to: it does so once.
 */
export function followHandovers(known: readonly string[], notes: readonly string[]): { keys: NoteKey[]; followed: Handover[] } {
  const start = new Set(known.map((line) => line.trim()));
  const handovers = notes.slice(0, MOST).flatMap(handoverIn);
  const [followed, believed] = [new Set<Handover>(), new Set(start)];
  const next = Map.groupBy(handovers, ({ from }) => from);
  const isPlain = ({ from, to }: Handover): boolean => start.has(to) || (next.get(from) ?? []).every((other) => other.to === to);
  walk(handovers.filter(isPlain), 'from', 'to');
  walk(handovers, 'to', 'from');
  return { keys: inTheirTime([...believed].map(parseVerifierKey), handovers), followed: [...followed].filter(({ from, to }) => !start.has(from) || !start.has(to)) };

  function walk(along: readonly Handover[], near: 'from' | 'to', far: 'from' | 'to'): void {
    const reached = new Set(start);
    for (let found = step(); found; found = step()) {
      followed.add(found);
      reached.add(found[far]);
      believed.add(found[far]);
    }

    function step(): Handover | undefined {
      return along.find((handover) => reached.has(handover[near]) && !reached.has(handover[far]));
    }
  }
}

/** Keys with the times between which each signs, as far as handovers between two of them say it. */
export function inTheirTime<K extends NoteKey>(keys: readonly K[], handovers: readonly Handover[]): K[] {
  const lines = new Map(keys.map((key) => [verifierKey(key), key]));
  const between = handovers.filter(({ from, to }) => lines.has(from) && lines.has(to));
  return [...lines].map(([line, key]) => {
    // The earliest counts: what was replaced once signs no more.
    const [until] = between.filter(({ from }) => from === line).map(({ time }) => time).sort();
    const [since] = between.filter(({ to }) => to === line).map(({ time }) => time).sort();
    return { ...key, ...(until === undefined ? {} : { until }), ...(since === undefined ? {} : { since }) };
  });
}

/** The first that is signed with a key which had been replaced when one of less rows was signed: only the times in it could have been made up. */
export function signedTooLate<T extends { size: number; signer: NoteKey }>(checkpoints: readonly T[]): T | undefined {
  let newest = '';
  for (const checkpoint of [...checkpoints].sort((a, b) => a.size - b.size)) {
    const { since = '', until } = checkpoint.signer;
    if (until !== undefined && until <= newest) return checkpoint;
    if (since > newest) newest = since;
  }
  return undefined;
}

/** What is no handover leads nowhere. */
export function handoverIn(note: string): Handover[] {
  try {
    return [openHandover(note)];
  } catch (error) {
    if (error instanceof Error) return [];
    throw error;
  }
}
