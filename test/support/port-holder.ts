import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Columns of /proc/net/tcp. */
const LOCAL_ADDRESS = 1;
const INODE = 9;

/** Which of some processes has the socket with a local port. Linux alone tells; elsewhere it is none. */
export function holderOfPort(port: number, pids: readonly number[]): number | undefined {
  const inode = inodeOf(port);
  return inode === undefined ? undefined : pids.find((pid) => holds(pid, inode));
}

function inodeOf(port: number): string | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => readOr(() => readFileSync(file, 'utf8').split('\n'), []));
  const fields = lines.map((line) => line.trim().split(/\s+/)).find((line) => line[LOCAL_ADDRESS]?.endsWith(suffix) && line[INODE] !== '0');
  return fields?.[INODE];
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
