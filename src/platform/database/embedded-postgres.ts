import { errorCode, errorText, StartupError } from '../startup-error.js';
import { removeOtherCopies } from './embedded-binaries.js';
import { createCluster, provision, withClient, writeSettings } from './embedded-cluster.js';
import { connectionUrl, loadCredentials, OWNER, SUPERUSER, type Credentials } from './embedded-credentials.js';
import { dataFiles, prepareDataDir, unwritable, writeAtomically } from './embedded-files.js';
import { lockFolder, type FolderLock } from './embedded-lock.js';
import { choosePlace, isForgotten, recordHome, setForgottenClusterAside, type Place } from './embedded-place.js';
import { isPostmasterOf, programWasReplaced, until } from './embedded-process.js';
import { disarmPidFile, readPidFile, startedAlike, startServer, stopServer } from './embedded-server.js';

/** A running PostgreSQL that belongs to this process. */
export interface EmbeddedPostgres {
  /** `postgres://wheelhouse:…@127.0.0.1:<port>/wheelhouse`: owns its database; may create roles, and nothing else. */
  url: string;
  /** The superuser's address, database `postgres`: for tests and backups only. */
  adminUrl: string;
  /** The folder that holds the cluster folder `postgres`: the data folder, or the fallback place root had to take. */
  dataDir: string;
  port: number;
  /** Whether a server that an earlier process left running was taken over. */
  reused: boolean;
  /** Whether the server is there: nobody but this process would start it again. */
  isRunning(): Promise<boolean>;
  /** Fast shutdown; resolves when the server is gone and the data folder is free. May be called more than once. */
  stop(): Promise<void>;
}

/** `settings` are PostgreSQL settings that win over the defaults; `onLog` gets single lines about what happens. */
export interface EmbeddedOptions {
  dataDir: string;
  settings?: Record<string, string>;
  onLog?: (line: string) => void;
}

/**
 * Runs PostgreSQL on a data folder, which is made on first use. A server that a killed process left behind is found and
 * taken over. The server survives this process: call `stop()` to end it.
 *
 * @throws StartupError when the folder is in use, not writable, made by another major version, or the server fails
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32') throw new StartupError('the embedded PostgreSQL does not run on Windows: set DATABASE_URL');
  const dataDir = await prepareDataDir(options.dataDir);
  try {
    const lock = await lockFolder(dataFiles(dataDir).lock, dataDir);
    return await startLocked(dataDir, lock, options);
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '')) throw unwritable(dataDir, error);
    throw error;
  }
}

async function startLocked(dataDir: string, lock: FolderLock, options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const onLog = options.onLog ?? (() => undefined);
  try {
    const place = await choosePlace(dataDir, onLog);
    const credentials = await prepareCluster(place, options.settings ?? {}, onLog);
    const changed = await writeSettings(place, options.settings ?? {});
    const left = await takeOver(place, credentials, changed, onLog);
    if (!left && place.copiesIn) await removeOtherCopies(place.copiesIn, place.binaries.root);
    const { port } = left ?? (await startServer(place, onLog));
    await provisionOrStop(place, port, credentials, left !== undefined);
    return answer(place, port, credentials, left !== undefined, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Makes the cluster on first use; answers its passwords. */
async function prepareCluster(place: Place, settings: Record<string, string>, onLog: (line: string) => void): Promise<Credentials> {
  if (await isForgotten(place)) {
    await stopServer(place.cluster);
    await setForgottenClusterAside(place, onLog);
    place.clusterExists = false;
  }
  const credentials = await loadCredentials(dataFiles(place.dataDir).password, place.clusterExists);
  if (place.clusterExists) return credentials;
  onLog(`making a new database in ${place.cluster}`);
  await createCluster(place, credentials, settings['fsync'] !== 'off');
  await recordHome(place);
  return credentials;
}

/**
 * The server that an earlier process left running, when it is really this cluster's, answers, and was started as it
 * would be started now; otherwise it is stopped, or its traces are made harmless, and the answer is undefined.
 */
async function takeOver(
  place: Place,
  credentials: Credentials,
  changed: boolean,
  onLog: (line: string) => void,
): Promise<{ port: number } | undefined> {
  const found = await readPidFile(place.cluster);
  if (!found) return undefined;
  if (found === 'damaged' || !(await isPostmasterOf(found.pid, place.cluster))) {
    await disarmPidFile(place);
    return undefined;
  }
  const ready = await settle(place, found.pid);
  if (!ready) return undefined;
  if (changed || !(await startedAlike(place)) || (await programWasReplaced(found.pid))) {
    onLog(`restarting the running database server (process ${found.pid}): its programs or settings changed`);
    await stopServer(place.cluster);
    return undefined;
  }
  if (!(await answers(place, ready.port, credentials))) {
    onLog(`stopping the running database server (process ${found.pid}): it does not answer`);
    await stopServer(place.cluster, 10_000);
    return undefined;
  }
  onLog(`using the running database server (process ${found.pid})`);
  await writeAtomically(dataFiles(place.dataDir).port, `${ready.port}\n`);
  return { port: ready.port };
}

/** Waits while a found server starts or stops. Undefined when it has ended. */
async function settle(place: Place, pid: number): Promise<{ port: number } | undefined> {
  let port: number | undefined;
  const settled = await until(async () => {
    const now = await readPidFile(place.cluster);
    if (typeof now === 'object' && now.pid === pid && now.status === 'ready') port = now.port;
    return port !== undefined || !(await isPostmasterOf(pid, place.cluster));
  }, 60_000);
  if (!settled) await stopServer(place.cluster, 10_000);
  return port === undefined ? undefined : { port };
}

async function answers(place: Place, port: number, credentials: Credentials): Promise<boolean> {
  try {
    return await withClient(connectionUrl(SUPERUSER, credentials.superuser, port, 'postgres'), async (client) => {
      const { rows } = await client.query<{ folder: string }>(`select current_setting('data_directory') as folder`);
      return rows[0]?.folder === place.cluster;
    });
  } catch (error) {
    if (errorCode(error) === '28P01') throw wrongPassword(place);
    // Everything else (refused, timed out, cut) means that it is of no use; the caller reports that and replaces it.
    return false;
  }
}

async function provisionOrStop(place: Place, port: number, credentials: Credentials, reused: boolean): Promise<void> {
  try {
    await provision(port, credentials, !place.clusterExists);
  } catch (error) {
    if (!reused) await stopServer(place.cluster);
    if (errorCode(error) === '28P01') throw wrongPassword(place);
    throw error instanceof StartupError
      ? error
      : new StartupError(`the embedded PostgreSQL cannot be used: ${errorText(error)}`, { cause: error });
  }
}

function wrongPassword(place: Place): StartupError {
  return new StartupError(
    `the passwords in ${dataFiles(place.dataDir).password} are not those of the database in ${place.cluster}: put the right file back`,
  );
}

function answer(place: Place, port: number, credentials: Credentials, reused: boolean, lock: FolderLock): EmbeddedPostgres {
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    await stopServer(place.cluster);
    await lock.release();
  };
  return {
    url: connectionUrl(OWNER, credentials.wheelhouse, port, OWNER),
    adminUrl: connectionUrl(SUPERUSER, credentials.superuser, port, 'postgres'),
    dataDir: place.home,
    port,
    reused,
    isRunning: async () => {
      const found = await readPidFile(place.cluster);
      return typeof found === 'object' && (await isPostmasterOf(found.pid, place.cluster));
    },
    stop: () => (stopping ??= stop()),
  };
}
