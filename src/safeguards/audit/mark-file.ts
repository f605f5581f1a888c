import { mkdir, open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readNote } from '../../core/audit/checkpoint.js';
import type { Mark } from '../../core/audit/restore-statement.js';
import { readIfThere, syncFolder, writeAtomically } from '../../platform/database/embedded-files.js';
import { errorCode } from '../../platform/startup-error.js';

/** Below this size the file only grows; above it, it is written anew when most of it has been overtaken. */
const SMALL_BYTES = 1 << 20;
const MOST_OVERTAKEN = 4;
const NAME = /^audit-marks\.([0-9a-f-]{36})\.jsonl$/;
const MODE = 0o600;

/** Which key signs, as it was known last. */
export interface KnownKey {
  /** Verifier key. */
  key: string;
  /** When it took the place of another; empty for the first. */
  since: string;
  /** What keys signed when one gave way to another. */
  handovers: readonly string[];
}

/** Where the sealing of a log ended: the transaction and the id of its last row. */
export interface SealedUpTo {
  tx: string;
  id: string;
}

/** What is remembered outside of the database. */
export interface Remembered {
  marks: ReadonlyMap<string, Mark>;
  key: KnownKey | undefined;
  /** Up to where the logs are sealed that are held; undefined for one that is held no more. */
  holds: ReadonlyMap<string, SealedUpTo | undefined>;
}

const lineOf = ([tenantId, { size, note }]: readonly [string, Mark]): string => `${JSON.stringify({ tenant_id: tenantId, size, checkpoint: note })}\n`;
const heldLineOf = ([tenantId, place]: readonly [string, SealedUpTo | undefined]): string => `${JSON.stringify({ held: { tenant_id: tenantId, ...place } })}\n`;
const textOf = ({ marks, key, holds }: Remembered): string => [...[...marks].map(lineOf), ...(key ? [`${JSON.stringify({ key })}\n`] : []), ...[...holds].map(heldLineOf)].join('');

/**
 * The newest checkpoint of each log, the key that signs, and which logs are held, in a file of the data folder: a line for each, those of checkpoints in the form of those
 * that are pushed; of lines about the same the last one holds. Lines are added; what has been overtaken is left out when the file has grown by it.
 */
export class MarkFile {
  private readonly path: string;
  private seen = '';
  private bytes = 0;
  /** Whether the file ends where a line ends, as far as is known. */
  private isWhole = false;

  constructor(
    private readonly folder: string,
    readonly installation: string,
  ) {
    this.path = join(folder, `audit-marks.${installation}.jsonl`);
  }

  /** @returns what the file says; undefined when it is as it was when it was last read */
  async load(): Promise<Remembered | undefined> {
    const state = await stateOf(this.path);
    if (state === this.seen) return undefined;
    const text = (await readIfThere(this.path)) ?? '';
    this.seen = state;
    this.bytes = Buffer.byteLength(text);
    this.isWhole = text.endsWith('\n');
    return rememberedIn(text);
  }

  /** Adds what is new. @param all what the file should say then */
  async write(changed: Remembered, all: Remembered): Promise<void> {
    const lines = textOf(changed);
    const live = Buffer.byteLength(lines) * (all.marks.size / Math.max(1, changed.marks.size));
    const grown = this.bytes + Buffer.byteLength(lines);
    const isAdded = this.isWhole && grown < Math.max(SMALL_BYTES, live * MOST_OVERTAKEN);
    // A line that breaks off must not swallow the next one.
    this.isWhole = false;
    if (isAdded) while (!(await this.add(lines)));
    else await this.rewrite(textOf(all));
    this.isWhole = true;
    this.seen = await stateOf(this.path);
  }

  /** Other installations whose files are in the folder. */
  async others(): Promise<MarkFile[]> {
    try {
      const names = (await readdir(this.folder)).flatMap((name) => NAME.exec(name)?.[1] ?? []);
      return names.filter((installation) => installation !== this.installation).map((installation) => new MarkFile(this.folder, installation));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  /** @returns false when another process has put a file in the place of the one that was written to */
  private async add(lines: string): Promise<boolean> {
    const handle = await open(this.path, 'a', MODE);
    try {
      await handle.writeFile(lines);
      await handle.datasync();
      this.bytes += Buffer.byteLength(lines);
      return (await handle.stat()).ino === (await stat(this.path)).ino;
    } finally {
      await handle.close();
    }
  }

  private async rewrite(text: string): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true });
    await writeAtomically(this.path, text, { mode: MODE });
    await syncFolder(this.path);
    this.bytes = Buffer.byteLength(text);
  }
}

function rememberedIn(text: string): Remembered {
  const marks = new Map<string, Mark>();
  const holds = new Map<string, SealedUpTo | undefined>();
  let key: KnownKey | undefined;
  for (const line of text.split('\n')) {
    const { tenant_id: tenantId, checkpoint: note, key: said, held } = objectIn(line);
    const mark = typeof note === 'string' ? markIn(note) : undefined;
    if (typeof tenantId === 'string' && mark) marks.set(tenantId, mark);
    if (isKnownKey(said)) key = said;
    if (isHeldLine(held)) holds.set(held.tenant_id, held.tx === undefined || held.id === undefined ? undefined : { tx: held.tx, id: held.id });
  }
  return { marks, key, holds };
}

/** A line that broke off says nothing; the one before it holds. */
function objectIn(line: string): Record<string, unknown> {
  try {
    return (JSON.parse(line) ?? {}) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function markIn(note: string): Mark | undefined {
  try {
    const { size, root, time } = readNote(note);
    return { size, root, time, note };
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

const isKnownKey = (value: unknown): value is KnownKey =>
  typeof value === 'object' && value !== null && 'key' in value && 'since' in value && 'handovers' in value
  && typeof value.key === 'string' && typeof value.since === 'string' && Array.isArray(value.handovers) && value.handovers.every((note) => typeof note === 'string');

const isHeldLine = (value: unknown): value is { tenant_id: string } & Partial<SealedUpTo> => typeof value === 'object' && value !== null && 'tenant_id' in value && typeof value.tenant_id === 'string';

/** Changes whenever the file does. */
async function stateOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'none';
    throw error;
  }
}
