import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { type NoteKey, signCheckpoint, verifierKey } from '../../core/audit/checkpoint.js';
import { signHandover } from '../../core/audit/key-handover.js';
import { EMPTY_ROOT } from '../../core/audit/merkle.js';
import type { Mark } from '../../core/audit/restore-statement.js';
import type { Config } from '../../platform/config/config.js';
import type { Loops } from '../../platform/jobs/loops.js';
import type { Metrics } from '../../platform/metrics/metrics.js';
import { type AuditKeys, logNameOf } from './audit-keys.js';
import { AuditMarks } from './audit-marks.js';

const TENANT = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00';
const INSTALLATION = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01';
const RENAMED = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02';
const newKey = (): NoteKey => ({ name: logNameOf(INSTALLATION), key: generateKeyPairSync('ed25519').privateKey });
const key = newKey();
const at = (second: number): string => new Date(Date.UTC(2026, 0, 31, 9, 30, second)).toISOString();

function mark(size: number, second: number, signer = key, origin = `${signer.name}/${TENANT}`): Mark {
  const checkpoint = { origin, size, root: EMPTY_ROOT, time: at(second) };
  return { size, root: checkpoint.root, time: checkpoint.time, note: signCheckpoint(checkpoint, signer) };
}

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'wheelhouse-marks-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function process(installation = INSTALLATION, keys: readonly NoteKey[] = [key]): AuditMarks {
  const own = { installationId: () => Promise.resolve(installation), verifiers: () => Promise.resolve(keys.map((one) => ({ ...one, name: logNameOf(installation) }))) };
  return new AuditMarks({ get: () => folder, runsJobs: false } as unknown as Config, own as unknown as AuditKeys, {} as Loops, { registry: new Registry() } as unknown as Metrics);
}

describe('marks of two processes in one folder', () => {
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

describe('marks of an installation whose id was changed in the database', () => {
  it('hold as before, when they are signed with its keys, and nothing else does', async () => {
    const before = process();
    before.set(TENANT, mark(9, 1));
    await before.flush();
    const renamed = process(RENAMED);
    await renamed.load();
    expect(renamed.get(TENANT)?.size).toBe(9);
    for (const stranger of [process(RENAMED, [newKey()]), process(RENAMED, [])]) {
      await stranger.load();
      expect(stranger.all.size).toBe(0);
    }
  });

  it('are not taken for those of another log, nor for newer than its own', async () => {
    const before = process();
    before.set(TENANT, mark(9, 1, key, `${key.name}/another`));
    await before.flush();
    const renamed = process(RENAMED);
    await renamed.load();
    expect(renamed.all.size).toBe(0);
    renamed.set(TENANT, mark(5, 3, { ...key, name: logNameOf(RENAMED) }));
    await renamed.flush();
    before.set(TENANT, mark(9, 2));
    await before.flush();
    const third = process(RENAMED);
    await third.load();
    expect(third.get(TENANT)).toMatchObject({ size: 5 });
  });

  it('also when they were signed with a key that the database has no more, and the one before it has come back', async () => {
    const next = newKey();
    const before = process(INSTALLATION, [key, next]);
    before.set(TENANT, mark(9, 9, next));
    before.setKey({ key: verifierKey(next), since: at(5), handovers: [signHandover(key, next, at(5))] });
    await before.flush();
    const renamed = process(RENAMED, [key]);
    await renamed.load();
    expect([renamed.get(TENANT)?.size, renamed.key?.key]).toEqual([9, verifierKey(next)]);
  });
});

describe('the key that is known', () => {
  it('is the newest that any process knows of', async () => {
    const [one, other] = [process(), process()];
    const next = newKey();
    one.setKey({ key: verifierKey(key), since: '', handovers: [] });
    other.setKey({ key: verifierKey(next), since: at(5), handovers: [signHandover(key, next, at(5))] });
    await other.flush();
    await one.flush();
    for (const marks of [one, other, process()]) {
      await marks.load();
      expect(marks.key?.key).toBe(verifierKey(next));
    }
  });
});

describe('logs that are held', () => {
  it('are those that the last process left held', async () => {
    const place = { tx: '17', id: TENANT };
    const [one, other] = [process(), process()];
    one.setHold(TENANT, place);
    one.setHold(INSTALLATION, place);
    await one.flush();
    await other.load();
    expect([...other.holds]).toEqual([[TENANT, place], [INSTALLATION, place]]);
    other.setHold(TENANT, undefined);
    other.setHold(INSTALLATION, { tx: '18', id: TENANT });
    await other.flush();
    for (const marks of [one, process()]) {
      await marks.load();
      expect([...marks.holds]).toEqual([[INSTALLATION, { tx: '18', id: TENANT }]]);
    }
  });
});
