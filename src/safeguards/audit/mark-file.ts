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

const lineOf = ([tenantId, { size, note }]: readonly [string, Mark]): string => `${JSON.stringify({ tenant_id: tenantId, size, checkpoint: note })}\n`;

/**
 * The newest checkpoint of each log, in a file of the data folder: a line for each, in the form of those that are pushed; of a tenant's
 * lines the last one holds. Lines are added; what has been overtaken is left out when the file has grown by it.
 */
export class MarkFile {
  private readonly path: string;
  private seen = '';
  private bytes = 0;
  /** Whether the file ends where a line ends, as far as is known. */
  private isWhole = false;

  constructor(
    private readonly folder: string,
    private readonly installation: string,
  ) {
    this.path = join(folder, `audit-marks.${installation}.jsonl`);
  }

  /** @returns what the file says; undefined when it is as it was when it was last read */
  async load(): Promise<Map<string, Mark> | undefined> {
    const state = await stateOf(this.path);
    if (state === this.seen) return undefined;
    const text = (await readIfThere(this.path)) ?? '';
    this.seen = state;
    this.bytes = Buffer.byteLength(text);
    this.isWhole = text.endsWith('\n');
    return new Map(text.split('\n').flatMap(entryIn));
  }

  /** Adds marks. @param all what the file should say then */
  async write(changed: readonly (readonly [string, Mark])[], all: ReadonlyMap<string, Mark>): Promise<void> {
    const lines = changed.map(lineOf).join('');
    const live = Buffer.byteLength(lines) * (all.size / Math.max(1, changed.length));
    const grown = this.bytes + Buffer.byteLength(lines);
    const isAdded = this.isWhole && grown < Math.max(SMALL_BYTES, live * MOST_OVERTAKEN);
    // A line that breaks off must not swallow the next one.
    this.isWhole = false;
    if (isAdded) while (!(await this.add(lines)));
    else await this.rewrite([...all].map(lineOf).join(''));
    this.isWhole = true;
    this.seen = await stateOf(this.path);
  }

  /** Files of other installations in the folder. */
  async others(): Promise<string[]> {
    try {
      return (await readdir(this.folder)).filter((name) => (NAME.exec(name)?.[1] ?? this.installation) !== this.installation);
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

/** A line that broke off says nothing; the one before it holds. */
function entryIn(line: string): [string, Mark][] {
  try {
    const { tenant_id: tenantId, checkpoint: note } = JSON.parse(line) as { tenant_id: string; checkpoint: string };
    const { size, root, time } = readNote(note);
    return [[tenantId, { size, root, time, note }]];
  } catch (error) {
    if (error instanceof Error) return [];
    throw error;
  }
}

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
