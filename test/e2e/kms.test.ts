import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { newId, OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { Revocations } from '../../src/platform/cache/revocations.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { kmsMasterKey } from '../../src/platform/crypto/kms-master-keys.js';
import { newMasterKey } from '../../src/platform/crypto/master-key.js';
import { type SealedPlace, TenantCipher } from '../../src/platform/crypto/tenant-cipher.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { Egress } from '../../src/platform/egress/egress.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createAgent, createTenant, createUser, ok, unique } from '../support/factories.js';
import { KeyService, type KeyServiceAnswer } from '../support/key-service.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

const service = new KeyService();
let folder: string;
let masterKeyFile: string;
let plane: Plane;
let environment: Record<string, string>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-kms-'));
  masterKeyFile = join(folder, 'master-key');
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${service.token}\n`, { mode: 0o600 });
  writeFileSync(masterKeyFile, `${newMasterKey()}\n`, { mode: 0o600 });
  environment = { KMS_URL: await service.start(), KMS_TOKEN_FILE: tokenFile };
  plane = await startPlane({ environment });
});
afterAll(async () => {
  await plane.stop();
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  service.instead = () => undefined;
  // A plane that saw it fail asks again after a second.
  await eventually(() => seal(plane).then(() => true, () => false));
});

const DOWN = { status: 503, body: { errors: ['Vault is sealed'] } };

/** Seals something under a key that is made for it. */
async function seal(which: Plane, text = unique('text')): Promise<{ place: SealedPlace; sealed: Buffer; text: string }> {
  const place: SealedPlace = { tenantId: OPERATOR_TENANT_ID, row: `a_table/${text}`, subject: { type: 'agent', id: newId() } };
  return { place, sealed: await which.app.get(TenantCipher).seal(place, text), text };
}
const open = (which: Plane, { place, sealed }: { place: SealedPlace; sealed: Buffer }): Promise<string> => which.app.get(TenantCipher).open(place, sealed);
const wrappedOf = async (place: SealedPlace): Promise<string | undefined> =>
  (await plane.app.get(SystemDatabase).query<{ wrapped: Buffer }>('select wrapped from tenant_keys where subject_id = $1', [place.subject?.id]))[0]?.wrapped.toString();
const keysUnder = async (): Promise<string[]> =>
  (await plane.app.get(SystemDatabase).query<{ id: string }>('select distinct master_key_id as id from tenant_keys where destroyed_at is null order by 1')).map(({ id }) => id);

describe('a key service', () => {
  it('wraps the keys of tenants, and holds what wraps them; what is open stays open without asking', async () => {
    const one = await seal(plane);
    expect(await wrappedOf(one.place)).toMatch(/^vault:v1:/);
    expect(await keysUnder()).toEqual(['kms:wheelhouse']);
    const asked = service.asked.length;
    for (let index = 0; index < 20; index += 1) expect(await open(plane, one)).toBe(one.text);
    expect(service.asked.length).toBe(asked);
  });

  it('that is away: what is open works on, the rest is 503 at once, and it goes on by itself', async () => {
    const admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
    const makeSecret = () => plane.request<{ id: string; code: string; detail: string }>('POST', '/api/v1/secrets', { token: admin.token, body: { name: unique('S'), value: 'x' } });
    const { id } = await ok(makeSecret());
    const one = await seal(plane);
    service.instead = () => DOWN;
    expect((await ok(plane.request<{ value: string }>('POST', `/api/v1/secrets/${id}/reveal`, { token: admin.token, body: { reason: 'It works on.' } }))).value).toBe('x');
    expect((await makeSecret()).status).toBe(201);
    expect(await open(plane, one)).toBe(one.text);
    await expect(seal(plane)).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    const asked = service.asked.length;
    const refused = await Promise.allSettled(Array.from({ length: 50 }, () => seal(plane)));
    expect(refused.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 'rejected'));
    expect(service.asked.length - asked).toBeLessThan(3);
    // Its first row in the audit log needs a key of its own.
    const made = await plane.request<{ code: string; detail: string }>('POST', '/api/v1/tenants', { token: ADMIN_TOKEN, body: { name: 'New', slug: unique('new') } });
    expect([made.status, made.body, Number(made.headers.get('retry-after'))]).toMatchObject([503, { code: 'unavailable', detail: 'The key service that holds the master key is away.' }, expect.any(Number)]);
    expect(Number(made.headers.get('retry-after'))).toBeGreaterThan(0);
    service.instead = () => undefined;
    await eventually(() => seal(plane).then(() => true, () => false));
  }, 30_000);

  it('is waited for by no transaction: one that needs a key is run again when it has it', async () => {
    const tenant = await createTenant(plane);
    const admin = await createUser(plane, { role: 'admin', tenant: tenant.id });
    const agent = await createAgent(plane, {}, admin.token);
    const secret = await ok(plane.request<{ id: string }>('POST', '/api/v1/secrets', { token: admin.token, body: { name: unique('S'), value: 'its value' } }));
    const provider = { name: 'P', issuer: 'https://issuer.example.com', client_id: 'c', client_secret: 'x'.repeat(32) };
    const requests: [method: string, path: string, body?: object, idempotent?: boolean][] = [
      ['POST', '/agents', { name: unique('agent') }],
      ['POST', '/agents', { name: unique('agent') }, true],
      ['PATCH', `/agents/${agent.id}`, { name: unique('agent') }],
      ['POST', '/secrets', { name: unique('S'), value: 'x' }, true],
      ['PUT', `/secrets/${secret.id}`, { value: 'another' }],
      ['POST', `/secrets/${secret.id}/reveal`, { reason: 'To see it.', version: 1 }],
      ['POST', '/sso/providers', provider],
      ['POST', '/auth/mfa/setup'],
      ['POST', '/tasks', { title: 'A task' }],
      ['GET', '/admin/audit'],
    ];
    const held: unknown[] = [];
    let asked = 0;
    service.instead = async () => {
      asked += 1;
      await pause(100);
      const waiting = `select query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%' and xact_start < now() - interval '80 ms'`;
      held.push(...(await withAdmin((owner) => owner.query(waiting), plane.database.name)).rows);
      return undefined;
    };
    for (const [method, path, body, idempotent] of requests) {
      await plane.app.get(Revocations).revoke([`keys-of:${tenant.id}`]);
      const before = asked;
      const answer = await plane.request(method, `/api/v1${path}`, { token: admin.token, ...(body ? { body } : {}), ...(idempotent ? { headers: { 'idempotency-key': unique('key') } } : {}) });
      expect([path, answer.status < 300 || answer.body, asked > before]).toEqual([path, true, true]);
    }
    const made = await plane.request<{ id: string }>('POST', '/api/v1/tenants', { token: ADMIN_TOKEN, body: { name: 'New', slug: unique('new') } });
    expect(made.status).toBe(201);
    expect(held).toEqual([]);
  }, 30_000);

  it('that gives anything but a right answer is not relied on, nor waited for without end', async () => {
    const right = (key: Buffer) => ({ status: 200, body: { data: { plaintext: key.toString('base64') } } });
    const failures = { once: 1 };
    const wrong: Record<string, (url: string) => KeyServiceAnswer | 'never' | undefined> = {
      html: () => ({ status: 200, body: '<html>' }),
      empty: () => ({ status: 200, body: {} }),
      null: () => ({ status: 200, body: 'null' }),
      long: () => ({ status: 200, body: { data: { ciphertext: 'x'.repeat(5_000) } } }),
      other: (url) => (url.includes('decrypt') ? right(Buffer.alloc(32, 7)) : undefined),
      short: (url) => (url.includes('decrypt') ? right(Buffer.alloc(16, 7)) : undefined),
      refused: () => ({ status: 403, body: { errors: ['permission denied'] } }),
      redirect: () => ({ status: 307, body: {} }),
      never: () => 'never',
    };
    service.instead = (url) => (url.endsWith('/once') ? (failures.once-- > 0 ? DOWN : undefined) : wrong[url.split('/').at(-1) ?? '']?.(url));
    const keyOf = (name: string) => kmsMasterKey(loadConfig({ ...environment, KMS_KEY: name }), plane.app.get(Egress));
    const began = performance.now();
    const refused = Object.keys(wrong).map((name) => expect(keyOf(name)?.wrap(Buffer.alloc(32, 1), 'x')).rejects.toMatchObject({ code: 'unavailable', status: 503 }));
    await Promise.all(refused);
    expect(performance.now() - began).toBeLessThan(20_000);
    // What fails once is tried again.
    expect((await keyOf('once')?.wrap(Buffer.alloc(32, 1), 'x'))?.toString()).toMatch(/^vault:v1:/);
  }, 30_000);

  it('may renew its token in the file', async () => {
    service.token = 'another-token-of-the-test';
    await expect(seal(plane)).rejects.toMatchObject({ code: 'unavailable' });
    writeFileSync(environment['KMS_TOKEN_FILE'] ?? '', service.token);
    await eventually(() => seal(plane).then(() => true, () => false));
  });

  it('is reached on a private address, which is open to nobody else', async () => {
    await expect(plane.app.get(Egress).request({ url: `${environment['KMS_URL']}/v1/transit/decrypt/wheelhouse`, method: 'POST', purpose: 'test' })).rejects.toMatchObject({ code: 'egress_refused' });
    await expect(plane.app.get(Egress).onlyTo(environment['KMS_URL'] ?? '').request({ url: 'http://127.0.0.2:1/', purpose: 'test' })).rejects.toMatchObject({ code: 'egress_refused' });
  });
});

describe('a plane does not start', () => {
  const start = (more: Record<string, string> = {}): Promise<Plane> => startPlane({ database: plane.database, environment: { ...environment, ...more } });

  it('without its key service, with a token that it does not take, or with a key that binds nothing', async () => {
    service.instead = () => DOWN;
    await expect(start()).rejects.toMatchObject({ name: 'StartupError', message: expect.stringMatching(/^the key service in KMS_URL cannot be used/) });
    service.instead = () => ({ status: 403, body: {} });
    await expect(start()).rejects.toThrow(/^the key service in KMS_URL cannot be used/);
    service.instead = (_url, body) => ({ status: 200, body: { data: { ciphertext: body.plaintext, plaintext: body.ciphertext } } });
    await expect(start()).rejects.toThrow(/does not bind what it wraps to associated data: it must be of type aes256-gcm96/);
  });

  it('when the service has another key of the same name, and says so, not when something is opened', async () => {
    const putBack = service.makeAnew();
    await expect(start()).rejects.toThrow(/^the master key kms:wheelhouse does not open the keys of this database, though it has the same name/);
    putBack();
  });

  it('with a key of its own, or another of the service', async () => {
    await expect(startPlane({ database: plane.database })).rejects.toThrow(/wrapped under another master key \(kms:wheelhouse; given is local:/);
    await expect(start({ KMS_KEY: 'another' })).rejects.toThrow(/wrapped under another master key \(kms:wheelhouse; given is kms:another\)/);
  });
});

describe('npx wheelhouse keys rotate', () => {
  let both: Record<string, string>;
  let first: Plane;
  let second: Plane;
  beforeAll(async () => {
    both = { ...environment, MASTER_KEY_FILE: masterKeyFile };
    first = await startPlane({ database: plane.database, environment: both });
    second = await startPlane({ database: plane.database, environment: both });
  });
  afterAll(async () => {
    await second.stop();
    await first.stop();
  });

  /** @param killAt output at which it is ended with kill -9 */
  async function rotate(args: string[], killAt?: RegExp): Promise<{ code: number | null; signal: NodeJS.Signals | null; out: string }> {
    const child = spawn(process.execPath, [resolve('dist/cli/main.js'), 'keys', 'rotate', ...args], { env: { PATH: process.env['PATH'], DATABASE_URL: plane.database.url, ...both } });
    let out = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => {
        out += text.toString();
        if (killAt?.test(out)) child.kill('SIGKILL');
      });
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { code, signal, out };
  }

  it('moves to a file and back while planes work, killed on each way, and loses nothing', async () => {
    const sealed = await Promise.all(Array.from({ length: 250 }, () => seal(first)));
    const working = async (): Promise<void> => {
      for (const which of [first, second]) sealed.push(await seal(which));
      for (const which of [first, second]) for (const one of [...sealed.slice(0, 3), ...sealed.slice(-3)]) expect(await open(which, one)).toBe(one.text);
    };
    for (const [to, under] of [['local', /^local:[0-9a-f]{16}$/], ['kms', /^kms:wheelhouse$/]] as const) {
      expect((await rotate(['--to', to], /rewrapped \d/)).signal).toBe('SIGKILL');
      await working();
      const ended = await rotate(['--to', to]);
      expect([ended.code, ended.out]).toEqual([0, expect.stringMatching(/^done: \d+ keys/m)]);
      expect(ended.out).toMatch(to === 'kms' ? /Take .*master-key away from every plane now/ : /Take KMS_URL, KMS_KEY and KMS_TOKEN away/);
      await working();
      expect(await keysUnder()).toEqual([expect.stringMatching(under)]);
      expect(ended.out).not.toContain(readFileSync(masterKeyFile, 'utf8').trim());
    }
    expect(statSync(masterKeyFile).mode & 0o777).toBe(0o600);
    // The service alone is enough again, for everything.
    const alone = await startPlane({ database: plane.database, environment });
    for (const one of sealed) expect(await open(alone, one)).toBe(one.text);
    await alone.stop();
  }, 90_000);

  it('wraps anew under the latest version of the key in the service', async () => {
    const one = await seal(first);
    service.version = 2;
    const ended = await rotate(['--to', 'kms']);
    expect([ended.code, ended.out]).toEqual([0, expect.stringMatching(/^done: \d{3} keys of tenants are under kms:wheelhouse now/m)]);
    expect(await wrappedOf(one.place)).toMatch(/^vault:v2:/);
    const rows = await plane.app.get(SystemDatabase).query(`select 1 from tenant_keys where destroyed_at is null and wrapped not like 'vault:v2:%'`);
    expect(rows).toHaveLength(0);
    expect(await open(second, one)).toBe(one.text);
  }, 30_000);

  it('asks where to, and changes nothing when the service is away', async () => {
    for (const args of [[], ['--to', 'moon'], ['--from', 'x'], ['moon']]) expect([args, (await rotate(args)).code]).toEqual([args, 2]);
    service.instead = () => DOWN;
    const ended = await rotate(['--to', 'kms']);
    expect([ended.code, ended.out]).toEqual([2, expect.stringContaining('the key service in KMS_URL cannot be used')]);
    expect(ended.out).not.toContain(service.token);
    service.instead = () => undefined;
    expect(await keysUnder()).toEqual(['kms:wheelhouse']);
  }, 30_000);
});
