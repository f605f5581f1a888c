import { type NoteKey, readNote } from '../../core/audit/checkpoint.js';
import { type Mark, openMark } from '../../core/audit/restore-statement.js';

/** What a log that is held was measured against. */
export interface HoldMark {
  note: string;
  /** What the note says; undefined when that is nothing. */
  says: Pick<Mark, 'size' | 'root' | 'time'> | undefined;
  /** Verifier key of this installation that signed it. */
  key: string | undefined;
  /** Whether it was signed here, as one of this log, or stands in the data folder: whoever writes the database can put anything into a hold. */
  isVerified: boolean;
}

/** Undefined for a log that nothing was known of. @param stored as the hold has it @param own the newest that this process knows of */
export function holdMarkOf(stored: string | null, own: Mark | undefined, log: { keys: readonly NoteKey[]; origin: string }): HoldMark | undefined {
  const signed = stored === null ? undefined : openMark(stored, log.keys, log.origin);
  if (stored !== null && !signed && stored !== own?.note) return { note: stored, says: readOr(stored), key: undefined, isVerified: false };
  if (own && (!signed || own.time > signed.time)) return { note: own.note, says: own, key: openMark(own.note, log.keys, log.origin)?.key, isVerified: true };
  return signed && { note: signed.note, says: signed, key: signed.key, isVerified: true };
}

function readOr(note: string): HoldMark['says'] {
  try {
    return readNote(note);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
