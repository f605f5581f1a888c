import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type pg from 'pg';
import { newId } from '../../src/core/ids.js';
import { newMasterKey } from '../../src/platform/crypto/master-key.js';
import { type SealedPlace, TenantCipher } from '../../src/platform/crypto/tenant-cipher.js';
import { ADVISORY_LOCKS } from '../../src/platform/database/advisory-locks.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createTenant, createUser, ok, unique } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';

const KEYS = 300;

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
}

let folder: string;
let file: string;
let plane: Plane;
let other: Plane;
let token: string;
let stale: Plane | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-keys-'));
  file = join(folder, 'master-key');
  writeFileSync(file, newMasterKey(), { mode: 0o600 });
  plane = await startPlane({ environment: { MASTER_KEY_FILE: file } });
  other = await startPlane({ database: plane.database, environment: { MASTER_KEY_FILE: file } });
  token = (await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id })).token;
});
afterAll(async () => {
  await stale?.stop();
  await other.stop();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The command, as an operator calls it. */
function call(environment: Record<string, string> = { MASTER_KEY_FILE: file }): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [resolve('dist/cli/main.js'), 'keys', 'rotate'], { env: { PATH: process.env['PATH'], DATABASE_URL: plane.database.url, ...environment } });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (out += text.toString()));
  const ended = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as NodeJS.Signals | null, out }));
  return { child, ended };
}
const rotate = (environment?: Record<string, string>): Promise<Ended> => call(environment).ended;

/** Whether a rotation waits for a row that somebody else holds. */
const isWaiting = async (holder: pg.ClientBase): Promise<boolean> => (await holder.query('select 1 from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))')).rows.length > 0;

/** Whether a rotation holds the lock. One that was killed may have got further than where it was killed: what it wrote last may be there already. */
const isRunning = async (): Promise<boolean> =>
  (await database().query(`select 1 from pg_locks where locktype = 'advisory' and granted and (classid::bigint << 32) + objid::bigint = $1 and database = (select oid from pg_database where datname = current_database())`, [ADVISORY_LOCKS.keyRotation])).length === 1;

const database = (): SystemDatabase => plane.app.get(SystemDatabase);
const mastersInUse = async (): Promise<string[]> => (await database().query<{ id: string }>('select distinct master_key_id as id from tenant_keys where destroyed_at is null')).map(({ id }) => id);
const currentMaster = async (): Promise<string> => (await database().query<{ id: string }>('select id from master_keys where retiring_at is null'))[0]!.id;
const makeSecret = (value: string, which = plane): Promise<{ id: string }> => ok(which.request<{ id: string }>('POST', '/api/v1/secrets', { token, body: { name: unique('S'), value } }));
const reveal = async (id: string, which = plane): Promise<string> => (await ok(which.request<{ value: string }>('POST', `/api/v1/secrets/${id}/reveal`, { token, body: { reason: 'test' } }))).value;
/** Something sealed under a key of its own. */
async function sealOne(tenantId: string, which = plane): Promise<{ place: SealedPlace; sealed: Buffer; text: string }> {
  const text = unique('text');
  const place: SealedPlace = { tenantId, row: `test/${text}`, subject: { type: 'agent', id: newId() } };
  return { place, sealed: await which.app.get(TenantCipher).seal(place, text), text };
}

describe('npx wheelhouse keys rotate', () => {
  it('goes on after kill -9 at each point between its steps, is not run twice at once, and loses nothing', async () => {
    const tenant = await createTenant(plane);
    const sealed: Awaited<ReturnType<typeof sealOne>>[] = [];
    for (let index = 0; index < KEYS; index += 50) sealed.push(...(await Promise.all(Array.from({ length: 50 }, () => sealOne(tenant.id)))));
    const [old, oldText] = [await currentMaster(), readFileSync(file, 'utf8').trim()];
    stale = await startPlane({ database: plane.database, environment: { MASTER_KEY: oldText } });
    const kept = `${file}.${old.replace(':', '-')}`;
    // Each holds something that its next step needs; it is killed while it waits for that.
    const points: [string, string, (holder: pg.ClientBase) => Promise<boolean>][] = [
      ['the new key is in the file, and not in use', 'select from master_keys for update', isWaiting],
      ['in the first batch', 'select from tenant_keys where id = (select id from tenant_keys where destroyed_at is null order by tenant_id, id offset 50 limit 1) for update', isWaiting],
      ['in the third batch', 'select from tenant_keys where id = (select id from tenant_keys where destroyed_at is null order by tenant_id, id offset 250 limit 1) for update', isWaiting],
      ['all are under the new key, the old one is not retired', `select from master_keys where id = '${old}' for update`, isWaiting],
      ['the old one is retired, and not taken out of the file', 'select 1', async () => (await isRunning()) && (await database().query('select 1 from master_keys where id = $1 and retired_at is not null', [old])).length === 1],
    ];
    for (const [point, hold, isThere] of points) {
      if (hold === 'select 1') execFileSync('mkfifo', [kept]);
      await withAdmin(async (admin) => {
        await admin.query(`begin; ${hold}`);
        const { child, ended } = call();
        await Promise.race([eventually(() => isThere(admin), 20_000), ended.then(({ out }) => { throw new Error(`It ended before ${point}: ${out}`); })]);
        expect([point, (await rotate()).out]).toEqual([point, expect.stringContaining('another rotation is running on this database')]);
        child.kill('SIGKILL');
        expect([point, (await ended).signal]).toEqual([point, 'SIGKILL']);
        await admin.query('rollback');
      }, plane.database.name);
      // Nobody notices: what was wrapped anew opens, and so does the rest; new keys are made.
      for (const which of [plane, other]) {
        sealed.push(await sealOne(tenant.id, which));
        for (const { place, sealed: bytes, text } of [...sealed.slice(0, 3), ...sealed.slice(-3)]) expect([point, await which.app.get(TenantCipher).open(place, bytes)]).toEqual([point, text]);
      }
    }
    rmSync(kept);
    expect((await rotate()).code).toBe(0);
    const after = await currentMaster();
    expect([after === old, await mastersInUse(), readFileSync(kept, 'utf8').trim()]).toEqual([false, [after], oldText]);
    // A plane that has the old key alone seals nothing under it; it says that it cannot.
    await expect(sealOne(tenant.id, stale)).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    const [first] = sealed;
    await expect(stale.app.get(TenantCipher).open(first!.place, first!.sealed)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await mastersInUse()).toEqual([after]);
    const anew = await startPlane({ database: plane.database, environment: { MASTER_KEY_FILE: file } });
    for (const { place, sealed: bytes, text } of sealed) expect(await anew.app.get(TenantCipher).open(place, bytes)).toBe(text);
    await anew.stop();
  }, 120_000);

  it('works under load: no request fails, and every secret made meanwhile opens afterwards', async () => {
    const secrets = await Promise.all(Array.from({ length: 20 }, (_, index) => makeSecret(`value ${index}`)));
    const before = await currentMaster();
    let running = true;
    const made: { id: string; value: string }[] = [];
    const load = [plane, other].flatMap((which) => [
      (async () => {
        for (let index = 0; running; index += 1) expect(await reveal(secrets[index % 20]!.id, which)).toBe(`value ${index % 20}`);
      })(),
      (async () => {
        for (let index = 0; running; index += 1) {
          const value = unique('made');
          made.push({ id: (await makeSecret(value, which)).id, value });
          if (index % 5 === 0) await sealOne((await createTenant(which)).id, which);
        }
      })(),
    ]);
    const ended = await rotate();
    running = false;
    await Promise.all(load);
    expect([ended.code, ended.out]).toEqual([0, expect.stringMatching(/done: \d+ keys of tenants are under local:[0-9a-f]{16} now/)]);
    expect(made.length).toBeGreaterThan(0);
    expect(await mastersInUse()).toEqual([await currentMaster()]);
    for (const { id, value } of made) expect(await reveal(id)).toBe(value);
    expect(await currentMaster()).not.toBe(before);
  }, 60_000);

  it('leaves the new key in the file, the old ones beside it, for their owner alone, and prints neither', async () => {
    const old = readFileSync(file, 'utf8').split('\n').find((line) => /^[0-9a-f]{64}$/.test(line)) ?? '';
    const { code, out } = await rotate();
    const now = readFileSync(file, 'utf8');
    expect([code, now.includes(old), now.match(/^[0-9a-f]{64}$/gm)?.length]).toEqual([0, false, 1]);
    const kept = readdirSync(folder).filter((name) => name.startsWith('master-key.local-'));
    expect(kept.some((name) => readFileSync(join(folder, name), 'utf8').includes(old))).toBe(true);
    for (const name of ['master-key', ...kept]) expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
    expect(out).not.toMatch(/[0-9a-f]{32}/);
  }, 30_000);

  it('makes a new key when an older one stands behind the current one in the file, and puts both away', async () => {
    const [, older = ''] = readFileSync(join(folder, readdirSync(folder).find((name) => name.startsWith('master-key.local-'))!), 'utf8').match(/^([0-9a-f]{64})$/m) ?? [];
    const [, current = ''] = readFileSync(file, 'utf8').match(/^([0-9a-f]{64})$/m) ?? [];
    writeFileSync(file, `${current}\n${older}\n`);
    const before = await currentMaster();
    const { code, out } = await rotate();
    expect([code, out]).toEqual([0, expect.stringContaining('done:')]);
    expect(await currentMaster()).not.toBe(before);
    expect(await mastersInUse()).toEqual([await currentMaster()]);
    const now = readFileSync(file, 'utf8');
    expect([now.includes(current), now.includes(older), now.match(/^[0-9a-f]{64}$/gm)?.length]).toEqual([false, false, 1]);
    expect(readFileSync(`${file}.${before.replace(':', '-')}`, 'utf8').trim()).toBe(current);
    const alone = await rotate({ MASTER_KEY: `${now.match(/^[0-9a-f]{64}$/m)?.[0] ?? ''} ${older}` });
    expect([alone.code, alone.out]).toEqual([2, expect.stringContaining('put a new key before it')]);
  }, 30_000);

  it('says what is to be done when it cannot make the key itself', async () => {
    const [text = ''] = readFileSync(file, 'utf8').match(/^[0-9a-f]{64}$/m) ?? [];
    const alone = await rotate({ MASTER_KEY: text });
    expect([alone.code, alone.out]).toEqual([2, expect.stringContaining('put a new key before it')]);
    const stranger = await rotate({ MASTER_KEY: newMasterKey() });
    expect([stranger.code, stranger.out]).toEqual([2, expect.stringContaining('is not the one in use')]);
    // Prepared by hand, as on several machines.
    writeFileSync(file, `${newMasterKey()}\n${text}\n`);
    const prepared = await rotate({ MASTER_KEY: readFileSync(file, 'utf8') });
    expect([prepared.code, prepared.out]).toEqual([0, expect.stringContaining('Take the old key out of MASTER_KEY now')]);
    expect(await reveal((await makeSecret('after all')).id, other)).toBe('after all');
  }, 30_000);
});
