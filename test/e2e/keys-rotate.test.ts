import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { newId } from '../../src/core/ids.js';
import { newMasterKey } from '../../src/platform/crypto/master-key.js';
import { type SealedPlace, TenantCipher } from '../../src/platform/crypto/tenant-cipher.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { createTenant, createUser, ok, unique } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';

const KEYS = 600;

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
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-keys-'));
  file = join(folder, 'master-key');
  writeFileSync(file, newMasterKey(), { mode: 0o600 });
  plane = await startPlane({ environment: { MASTER_KEY_FILE: file } });
  other = await startPlane({ database: plane.database, environment: { MASTER_KEY_FILE: file } });
  token = (await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id })).token;
});
afterAll(async () => {
  await other.stop();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The command, as an operator calls it. @param onOutput may end it */
async function rotate(onOutput: (text: string, kill: () => void) => void = () => undefined, environment: Record<string, string> = { MASTER_KEY_FILE: file }): Promise<Ended> {
  const child = spawn(process.execPath, [resolve('dist/cli/main.js'), 'keys', 'rotate'], { env: { PATH: process.env['PATH'], DATABASE_URL: plane.database.url, ...environment } });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      out += text.toString();
      onOutput(out, () => child.kill('SIGKILL'));
    });
  }
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, out };
}

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
  it('goes on after kill -9, as often as it takes, and nothing is lost', async () => {
    const tenant = await createTenant(plane);
    const sealed: Awaited<ReturnType<typeof sealOne>>[] = [];
    for (let index = 0; index < KEYS; index += 50) sealed.push(...(await Promise.all(Array.from({ length: 50 }, () => sealOne(tenant.id)))));
    const before = await currentMaster();
    let kills = 0;
    let ended = await rotate((_out, kill) => kill());
    while (ended.signal === 'SIGKILL') {
      kills += 1;
      // Nobody notices: what was wrapped anew opens, and so does the rest; new keys are made.
      sealed.push(await sealOne(tenant.id, kills % 2 ? plane : other));
      for (const which of [plane, other]) for (const { place, sealed: bytes, text } of sealed.slice(-3)) expect(await which.app.get(TenantCipher).open(place, bytes)).toBe(text);
      ended = await rotate((_out, kill) => (kills < 4 ? kill() : undefined));
    }
    expect([ended.code, kills]).toEqual([0, 4]);
    const after = await currentMaster();
    expect(after).not.toBe(before);
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

  it('says what is to be done when it cannot make the key itself', async () => {
    const [text = ''] = readFileSync(file, 'utf8').match(/^[0-9a-f]{64}$/m) ?? [];
    const alone = await rotate(undefined, { MASTER_KEY: text });
    expect([alone.code, alone.out]).toEqual([2, expect.stringContaining('put a new key before it')]);
    const stranger = await rotate(undefined, { MASTER_KEY: newMasterKey() });
    expect([stranger.code, stranger.out]).toEqual([2, expect.stringContaining('is not the one in use')]);
    // Prepared by hand, as on several machines.
    writeFileSync(file, `${newMasterKey()}\n${text}\n`);
    const prepared = await rotate(undefined, { MASTER_KEY: readFileSync(file, 'utf8') });
    expect([prepared.code, prepared.out]).toEqual([0, expect.stringContaining('Take the old key out of MASTER_KEY now')]);
    expect(await reveal((await makeSecret('after all')).id, other)).toBe('after all');
  }, 30_000);
});
