import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { PlaneProcess } from '../../scripts/demo/plane-process.ts';
import type { Cluster } from './cluster.ts';

/** The advisory lock of the leading sequencer (src/safeguards/audit/audit-sequencer.ts), as pg_locks shows it. */
const LEADER = `select a.client_port as port from pg_locks l join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.classid = (7305803924 >> 32)::oid and l.objid = (7305803924 % 4294967296)::oid
    and l.database = (select oid from pg_database where datname = current_database())`;
const COLUMNS = { localAddress: 1, inode: 9 };

/** The process whose session holds the sequencer's lock: the one that has the other end of that session's connection. */
export async function sequencerHolder(cluster: Cluster): Promise<PlaneProcess | undefined> {
  const [leader] = await cluster.query<{ port: number }>(LEADER);
  const inode = leader && inodeOf(leader.port);
  return inode === undefined ? undefined : cluster.processes.find(({ pid }) => pid !== undefined && holds(pid, inode));
}

/** The socket with a local port, as Linux numbers it; elsewhere nobody is found. */
function inodeOf(port: number): string | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => readOr(() => readFileSync(file, 'utf8').split('\n'), []));
  const fields = lines.map((line) => line.trim().split(/\s+/)).find((line) => line[COLUMNS.localAddress]?.endsWith(suffix) && line[COLUMNS.inode] !== '0');
  return fields?.[COLUMNS.inode];
}

function holds(pid: number, inode: string): boolean {
  const folder = `/proc/${pid}/fd`;
  return readOr(() => readdirSync(folder), []).some((name) => readOr(() => readlinkSync(`${folder}/${name}`), '') === `socket:[${inode}]`);
}

/** What is not there, or has gone since it was listed, is nothing. */
function readOr<T>(read: () => T, nothing: T): T {
  try {
    return read();
  } catch {
    return nothing;
  }
}
