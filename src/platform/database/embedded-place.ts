import { createHash } from 'node:crypto';
import { chmod, mkdir, realpath, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode, StartupError } from '../startup-error.js';
import { runsAsRoot, serviceAccount, tryReach } from './embedded-account.js';
import { copyBinaries, findBinaries, type Binaries } from './embedded-binaries.js';
import { allowTraversal, dataFiles, isThere, readIfThere, writeAtomically, type Account } from './embedded-files.js';

/** Where the cluster goes when the service account cannot reach the data folder: one folder per data folder. */
const FALLBACK_ROOT = '/var/lib/wheelhouse';

/** Everything that is known before the server is touched. */
export interface Place {
  dataDir: string;
  /** The folder that holds the cluster: the data folder, or the fallback. */
  home: string;
  cluster: string;
  /** `cluster_name`, which the titles of the server's processes show. */
  name: string;
  clusterExists: boolean;
  binaries: Binaries;
  /** Who runs the server; undefined means this process's own account. */
  account: Account | undefined;
  /** The folder of the copied programs, when they had to be copied. */
  copiesIn: string | undefined;
}

/**
 * Decides where the cluster lies and who runs it. An ordinary user keeps all of it in the data folder. Root needs a
 * service account; what that account cannot reach (a clone under /root, say) goes to a fallback place.
 */
export async function choosePlace(dataDir: string, onLog: (line: string) => void): Promise<Place> {
  const binaries = await findBinaries();
  if (!runsAsRoot()) return describe(dataDir, await recordedHome(dataDir), binaries, undefined);
  const recorded = await recordedHome(dataDir);
  const existing = recorded ?? dataDir;
  const account = (await ownerOf(join(existing, 'postgres'))) ?? (await serviceAccount(onLog));
  const takeBack = recorded ? undefined : await allowTraversal(dataDir);
  const reach = await tryReach(account, existing, binaries.root);
  if (!reach.dataDir && (await isThere(join(existing, 'postgres')))) {
    throw new StartupError(
      `the account that runs PostgreSQL (id ${account.uid}) cannot reach ${existing}: let it pass through the folders above, or set WHEELHOUSE_DATA`,
    );
  }
  const fallback = join(FALLBACK_ROOT, createHash('sha256').update(dataDir).digest('hex').slice(0, 12));
  const home = recorded ?? (reach.dataDir ? undefined : fallback);
  if (!reach.dataDir) await takeBack?.();
  if (home) await prepareFallback(home, dataDir);
  if (reach.programs) return describe(dataDir, home, binaries, account);
  await prepareFallback(fallback, dataDir);
  return { ...(await describe(dataDir, home, await copyBinaries(binaries, fallback), account)), copiesIn: fallback };
}

async function describe(dataDir: string, fallback: string | undefined, binaries: Binaries, account: Account | undefined): Promise<Place> {
  const home = fallback ?? dataDir;
  const path = join(home, 'postgres');
  const cluster = (await isThere(path)) ? await realpath(path) : path;
  const name = `wheelhouse-${createHash('sha256').update(cluster).digest('hex').slice(0, 12)}`;
  const clusterExists = await checkCluster(cluster, binaries, dataDir);
  return { dataDir, home, cluster, name, clusterExists, binaries, account, copiesIn: undefined };
}

/** Records, after the cluster was made in the fallback place, that it is there. */
export async function recordHome(place: Place): Promise<void> {
  if (place.home !== place.dataDir) await writeAtomically(dataFiles(place.dataDir).location, `${place.home}\n`);
}

async function recordedHome(dataDir: string): Promise<string | undefined> {
  const home = (await readIfThere(dataFiles(dataDir).location))?.trim();
  if (!home) return undefined;
  if (!(await isThere(join(home, 'postgres')))) {
    throw new StartupError(
      `the database of data folder ${dataDir} should be in ${home} and is not there: put it back, or use a new data folder`,
    );
  }
  return home;
}

/**
 * Makes the fallback folder. A file in it names its data folder, so that a copy of a project folder does not open the
 * database of the original.
 */
async function prepareFallback(home: string, dataDir: string): Promise<void> {
  await mkdir(home, { recursive: true });
  // Whatever the umask is: the service account must pass, nobody needs to list.
  for (const folder of [dirname(home), home]) await chmod(folder, 0o711);
  const path = join(home, 'owner');
  const owner = (await readIfThere(path))?.trim();
  if (owner === dataDir) return;
  if (owner && (await readIfThere(dataFiles(owner).location))?.trim() === home) {
    throw new StartupError(
      `data folder ${dataDir} is a copy of ${owner}: both name the database in ${home}; remove the copy's postgres.* files to give it its own`,
    );
  }
  await writeAtomically(path, `${dataDir}\n`, { mode: 0o644 });
}

/**
 * A cluster in the fallback place that no data folder knows of: its data folder was removed, with the passwords. The
 * next one made for the same path begins anew; the old one is kept beside it.
 */
export async function setForgottenClusterAside(place: Place, onLog: (line: string) => void): Promise<void> {
  const aside = `${place.cluster}.forgotten-${new Date().toISOString().replaceAll(/[-:]|\..*$/g, '')}`;
  await rename(place.cluster, aside);
  onLog(`the database of an earlier data folder at this path was kept as ${aside}`);
}

/** Whether the cluster in the fallback place belongs to a data folder that has since been removed. */
export async function isForgotten(place: Place): Promise<boolean> {
  return place.clusterExists && place.home !== place.dataDir && !(await isThere(dataFiles(place.dataDir).location));
}

async function ownerOf(cluster: string): Promise<Account | undefined> {
  if (!(await isThere(cluster))) return undefined;
  const { uid, gid } = await stat(cluster);
  if (uid === 0)
    throw new StartupError(
      `${cluster} belongs to root, which PostgreSQL cannot run as: give it to another account, or use a new data folder`,
    );
  return { uid, gid };
}

/** Whether there is a cluster, after checking that it was made by the major version that would run it. */
async function checkCluster(cluster: string, binaries: Binaries, dataDir: string): Promise<boolean> {
  const version = await clusterVersion(cluster);
  if (version === undefined) return false;
  const made = Number(version);
  if (made === binaries.major) return true;
  if (made > binaries.major) {
    throw new StartupError(
      `data folder ${dataDir} was made by a newer version (PostgreSQL ${version}; this is ${binaries.version}): use the version that made it, or a new data folder`,
    );
  }
  throw new StartupError(
    `data folder ${dataDir} was made by an older PostgreSQL (${version}; this is ${binaries.version}): dump it with the version that made it and restore the dump into a new data folder`,
  );
}

async function clusterVersion(cluster: string): Promise<string | undefined> {
  try {
    const version = (await readIfThere(join(cluster, 'PG_VERSION')))?.trim();
    if (version !== undefined && !/^\d+(\.\d+)?$/.test(version))
      throw new StartupError(`${join(cluster, 'PG_VERSION')} is damaged: restore the data folder from a backup`);
    if (version === undefined && (await isThere(cluster)))
      throw new StartupError(`${cluster} is no database folder: remove it, or use another data folder`);
    return version;
  } catch (error) {
    if (errorCode(error) !== 'EACCES') throw error;
    throw new StartupError(`${cluster} belongs to another account: start as that account or as root, or use a new data folder`, {
      cause: error,
    });
  }
}
