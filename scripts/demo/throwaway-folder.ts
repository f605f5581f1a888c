import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A data folder that is removed at the end. Others may pass through it: under root, PostgreSQL runs in an account of its
 * own, and a cluster that lies here goes with the folder instead of staying behind in the place for unreachable ones.
 */
export function throwawayFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(folder, 0o711);
  return folder;
}
