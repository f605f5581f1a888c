import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { signCheckpoint } from '../../core/audit/checkpoint.js';
import { EMPTY_ROOT } from '../../core/audit/merkle.js';
import type { Mark } from '../../core/audit/restore-statement.js';
import type { Config } from '../../platform/config/config.js';
import type { Loops } from '../../platform/jobs/loops.js';
import type { Metrics } from '../../platform/metrics/metrics.js';
import type { AuditKeys } from './audit-keys.js';
import { AuditMarks } from './audit-marks.js';

const TENANT = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00';
const key = generateKeyPairSync('ed25519').privateKey;

function mark(size: number, second: number): Mark {
  const checkpoint = { origin: 'log/tenant', size, root: EMPTY_ROOT, time: new Date(Date.UTC(2026, 0, 31, 9, 30, second)).toISOString() };
  return { size, root: checkpoint.root, time: checkpoint.time, note: signCheckpoint(checkpoint, { name: 'log', key }) };
}

describe('marks of two processes in one folder', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'wheelhouse-marks-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const process = (): AuditMarks =>
    new AuditMarks({ get: () => folder, runsJobs: false } as unknown as Config, { installationId: () => Promise.resolve('one') } as unknown as AuditKeys, {} as Loops, { registry: new Registry() } as unknown as Metrics);

  it('never go back: what one has still to write does not replace what the other has gone on to', async () => {
    const [before, after] = [process(), process()];
    before.set(TENANT, mark(9, 1));
    after.set(TENANT, mark(50, 2));
    await after.flush();
    await before.flush();
    for (const marks of [before, after, process()]) {
      await marks.load();
      expect(marks.get(TENANT)?.size).toBe(50);
    }
  });

  it('follow what was accepted later, though it is less', async () => {
    const [one, other] = [process(), process()];
    one.set(TENANT, mark(50, 1));
    await one.flush();
    await other.load();
    other.set(TENANT, mark(17, 2));
    await other.flush();
    await one.load();
    expect(one.get(TENANT)?.size).toBe(17);
  });
});
