import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const MEMORY = '/dev/shm';
const ENOUGH_BYTES = 4 * 2 ** 30;

/** A folder for databases that a test run makes and throws away: in memory where there is enough, else on disk. */
export function memoryFolder() {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= ENOUGH_BYTES ? MEMORY : tmpdir();
  } catch (error) {
    if (error.code === 'ENOENT') return tmpdir();
    throw error;
  }
}
