import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { errorText, StartupError } from '../startup-error.js';
import type { Account } from './embedded-files.js';

const run = promisify(execFile);
const NAME = 'postgres';

/** All that the server gets of our environment: its own may be read by its account, and ours may hold secrets. */
export const SERVER_ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Whether this process is root, which PostgreSQL refuses to run as. */
export function runsAsRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * The account `postgres`, made as a system account when there is none. Only for root.
 *
 * @throws StartupError when it cannot be made
 */
export async function serviceAccount(onLog: (line: string) => void): Promise<Account> {
  const existing = await lookUp();
  if (existing) return existing;
  onLog(`creating the system account ${NAME} for the database server`);
  try {
    const options = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin'];
    // Our own PATH may lack the folders of such tools.
    await run('useradd', [...options, NAME], { env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' } });
  } catch (error) {
    throw cannotMake(error);
  }
  const made = await lookUp();
  if (!made) throw cannotMake('it is not there after it was made');
  return made;
}

function cannotMake(reason: unknown): StartupError {
  const why = errorText(reason).split('\n').at(-1) ?? '';
  return new StartupError(
    `PostgreSQL cannot run as root and the system account ${NAME} cannot be made (${why}): make it, start as an ordinary user, or set DATABASE_URL`,
  );
}

async function lookUp(): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map(async (what) => Number((await run('id', [what, NAME])).stdout)));
    return uid !== undefined && gid !== undefined && uid > 0 ? { uid, gid } : undefined;
  } catch (error) {
    // `id` answers 1 for an unknown account.
    if (error instanceof Error && 'code' in error && error.code === 1) return undefined;
    throw error;
  }
}

/** What the account can reach, found out by trying as that account: modes, ACLs and mounts all have a say. */
export interface Reach {
  dataDir: boolean;
  programs: boolean;
}

const TRY = `r=0; cd "$1" 2>/dev/null || r=1; { [ -x "$2/bin/postgres" ] && [ -r "$2/share/postgresql/postgres.bki" ] && [ -r "$2/bin/initdb" ]; } || r=$((r+2)); exit $r`;

/** Tries, as the account, to enter the data folder and to use the programs under `root`. */
export async function tryReach(account: Account, dataDir: string, root: string): Promise<Reach> {
  const child = spawn('/bin/sh', ['-c', TRY, 'sh', dataDir, root], { ...account, cwd: '/', env: SERVER_ENVIRONMENT, stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code === null) throw new StartupError(`cannot run a program as the account with id ${account.uid}`);
  return { dataDir: (code & 1) === 0, programs: (code & 2) === 0 };
}
