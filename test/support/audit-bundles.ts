import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { runCommand } from '../../src/cli/run-command.js';
import { eventually } from './eventually.js';
import { ok, someAddress } from './factories.js';
import type { Plane } from './plane.js';

export interface Verification {
  ok: boolean;
  rows: number;
  size: number;
  root: string;
  waiting: number;
  finding: { kind: string; seq: number; row_id: string | null; detail: string } | null;
  restores: { size: number; replaced_size: number | null; reason: string }[];
}

export interface Checkpoint {
  size: number;
  root: string;
  note: string;
}

/** From an address of its own each time: the operation has a limit for each. */
const from = (token: string): { token: string; headers: Record<string, string> } => ({ token, headers: { 'x-forwarded-for': someAddress() } });

export const verifyOnline = (plane: Plane, token: string, query = ''): Promise<Verification> => ok(plane.request<Verification>('GET', `/api/v1/audit/verify${query}`, from(token)));

/** Waits until all rows are sealed. @returns what the caller's tenant's log comes to */
export async function sealed(plane: Plane, token: string): Promise<Verification> {
  const unsealed = 'select 1 from audit_log r, audit_sequencer s where (r.tx, r.id) > (s.tx, s.id) limit 1';
  await eventually(async () => (await plane.app.get(SystemDatabase).query(unsealed)).length === 0);
  return verifyOnline(plane, token);
}

export async function exported(plane: Plane, token: string): Promise<string> {
  const answer = await fetch(`${plane.url}/api/v1/audit/export`, { headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': someAddress() } });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`The export was refused: ${answer.status} ${text}`);
  return text;
}

export const newestCheckpoint = async (plane: Plane, token: string): Promise<Checkpoint> =>
  (await ok(plane.request<{ items: [Checkpoint] }>('GET', '/api/v1/audit/checkpoints?limit=1', { token }))).items[0];

/** What `npx wheelhouse audit verify` says of a bundle. */
export async function verifyOffline(bundle: string, known: { checkpoint?: string; key?: string } = {}): Promise<{ code: number; text: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-bundle-'));
  try {
    const file = (name: string, content: string): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const options = Object.entries(known).flatMap(([name, content]) => [`--${name}`, file(name, content)]);
    const lines: string[] = [];
    const code = await runCommand(['audit', 'verify', file('bundle', bundle), ...options], { out: (line) => lines.push(line), error: (line) => lines.push(line) });
    return { code, text: lines.join('\n') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
