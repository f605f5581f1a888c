import { type Checkpoint, type NoteKey, type OpenedNote, openNote, signNote, verifierKey } from './checkpoint.js';

/** What the operator has accepted in place of the log that was sealed before: a checkpoint of the state that was found, and what it takes the place of. */
export interface Restore extends Checkpoint {
  /** The checkpoint that the log was measured against; null when there was none. */
  mark: string | null;
  reason: string;
  by: { kind: string; id: string };
}

/** A state of a log, and the note that says so. */
export interface Mark extends Pick<Checkpoint, 'size' | 'root' | 'time'> {
  note: string;
}

/** A mark that an installation signed, with the verifier key of the one that did. */
export interface SignedMark extends Mark {
  key: string;
}

/** A restore with its note, and what its mark says, if this installation signed it. */
export interface OpenedRestore extends Restore {
  note: string;
  replaced: SignedMark | undefined;
}

const WORD = 'restore ';

/** A signed note: a checkpoint of the accepted state, and what else there is to say as one line of JSON. */
export const signRestore = ({ mark, reason, by, ...checkpoint }: Restore, signer: NoteKey): string =>
  signNote(checkpoint, [`${WORD}${JSON.stringify({ mark, reason, by })}`], signer);

/** @throws Error for what is no such note, or is signed by none of the keys */
export function openRestore(note: string, keys: readonly NoteKey[]): OpenedRestore {
  const { more, origin, size, root, time } = openNote(note, keys);
  const line = more[0] ?? '';
  if (!line.startsWith(WORD)) throw new Error('This note accepts nothing.');
  const said = JSON.parse(line.slice(WORD.length)) as Pick<Restore, 'mark' | 'reason' | 'by'>;
  return { origin, size, root, time, ...said, note, replaced: said.mark === null ? undefined : openMark(said.mark, keys, origin) };
}

/**
 * Reads a mark of a log: one of its checkpoints, or what was accepted in place of one.
 * @returns undefined for what is not signed by one of the keys, is of another log, or says something else
 */
export function openMark(note: string, keys: readonly NoteKey[], origin: string): SignedMark | undefined {
  const opened = openedOr(note, keys);
  if (opened?.origin !== origin || !opened.more.every((line) => line.startsWith(WORD))) return undefined;
  const { size, root, time, signer } = opened;
  return { size, root, time, note, key: verifierKey(signer) };
}

/**
 * The mark that a log has to go on from, when the operator has accepted another one in its place. A restore says so of the
 * mark that it names and of those before it, never of one that was made later: what was accepted once is no leave to do it again.
 * @param restores the oldest first
 */
export function markAfter(mark: Mark | undefined, restores: readonly OpenedRestore[]): Mark | undefined {
  let current = mark;
  for (const restore of restores) {
    const { size, root, time, note } = restore;
    if (current && isReplaced(current, restore)) current = { size, root, time, note };
  }
  return current;
}

function isReplaced({ note, size, time }: Mark, { mark, replaced }: OpenedRestore): boolean {
  return note === mark || (replaced !== undefined && size <= replaced.size && time <= replaced.time);
}

function openedOr(note: string, keys: readonly NoteKey[]): OpenedNote | undefined {
  try {
    return openNote(note, keys);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
