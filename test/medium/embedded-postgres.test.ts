import { eventually } from '../support/eventually.js';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres, type EmbeddedOptions, type EmbeddedPostgres } from '../../src/platform/database/embedded-postgres.js';
import { isAlive } from '../../src/platform/database/embedded-process.js';
import { StartupError } from '../../src/platform/startup-error.js';
import { kill9, pidFile, query, QUICK, startInChild } from './embedded-postgres.support.js';

const isRoot = process.getuid?.() === 0;
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

let base: string;
let dataDir: string;
const running = new Set<EmbeddedPostgres>();
const children = new Set<ChildProcess>();

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'wheelhouse-pg-')));
  await chmod(base, 0o755);
  dataDir = join(base, 'data');
});

afterEach(async () => {
  for (const server of running) await server.stop();
  running.clear();
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await rm(base, { recursive: true, force: true });
});

async function start(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, settings: QUICK, ...options });
  running.add(server);
  return server;
}

async function startElsewhere(options: Parameters<typeof startInChild>[1] = {}): ReturnType<typeof startInChild> {
  const started = await startInChild(dataDir, options);
  children.add(started.child);
  return started;
}

describe('first and second start', () => {
  it('makes a database whose owner is no superuser, and finds its data again', async () => {
    const first = await start();
    expect(first).toMatchObject({ dataDir, reused: false });
    const [role] = await query(
      first.url,
      'select current_user as name, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user',
    );
    expect(role).toEqual({ name: 'wheelhouse', rolsuper: false, rolbypassrls: false, rolcreaterole: true, rolcreatedb: false });
    await query(first.url, 'create table kept (id int); insert into kept values (7); create role a_role; drop role a_role');
    const settings = await query(
      first.adminUrl,
      `select name, setting from pg_settings where name in ('fsync', 'data_checksums', 'server_encoding') order by name`,
    );
    expect(settings.map((row) => row['setting'])).toEqual(['on', 'off', 'UTF8']);
    await first.stop();

    const began = performance.now();
    const second = await start();
    expect(performance.now() - began).toBeLessThan(3000);
    expect(second).toMatchObject({ port: first.port, reused: false });
    expect(await query(second.url, 'select id from kept')).toEqual([{ id: 7 }]);
  });

  it('keeps all files to their owner, and passwords out of arguments and logs', async () => {
    const server = await start();
    expect(await modeOf(dataDir)).toBe(isRoot ? '711' : '700');
    expect(await modeOf(join(dataDir, 'postgres'))).toBe('700');
    for (const name of ['password', 'log', 'lock', 'port'])
      expect([name, await modeOf(join(dataDir, `postgres.${name}`))]).toEqual([name, '600']);
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.lock', 'postgres.log', 'postgres.password', 'postgres.port']);
    const secrets = Object.values(JSON.parse(await readFile(join(dataDir, 'postgres.password'), 'utf8')) as Record<string, string>);
    expect(secrets).toHaveLength(2);
    const places = [
      await readFile(join(dataDir, 'postgres.log'), 'utf8'),
      await readFile(join(dataDir, 'postgres', 'postmaster.opts'), 'utf8'),
    ];
    for (const secret of secrets) for (const place of places) expect(place).not.toContain(secret);
    await server.stop();
    expect(await readdir(dataDir)).not.toContain('postgres.lock');
  });

  it('listens on loopback alone and asks everyone for a password', async () => {
    const server = await start();
    const [row] = await query(
      server.adminUrl,
      `select current_setting('listen_addresses') as listens, current_setting('unix_socket_directories') as sockets, inet_server_addr()::text as here`,
    );
    expect(row).toMatchObject({ listens: '127.0.0.1', sockets: '', here: expect.stringMatching(/^127\.0\.0\.1/) as string });
    const methods = await query(server.adminUrl, 'select distinct auth_method from pg_hba_file_rules');
    expect(methods).toEqual([{ auth_method: 'scram-sha-256' }]);
    await expect(query(server.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('takes another port when its own is taken', async () => {
    const first = await start();
    await first.stop();
    const blocker = createServer().listen(first.port, '127.0.0.1');
    await once(blocker, 'listening');
    try {
      const second = await start();
      expect(second.port).not.toBe(first.port);
      expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    } finally {
      blocker.close();
    }
  });
});

describe('after a kill', () => {
  it('takes over the server of a killed parent', async () => {
    const { child, said } = await startElsewhere();
    expect(JSON.parse(said)).toMatchObject({ reused: false });
    const { pid } = await pidFile(dataDir);
    await kill9(child);
    const server = await start();
    expect(server.reused).toBe(true);
    expect((await pidFile(dataDir)).pid).toBe(pid);
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.stop();
    // It has ended; until it has been reaped its id still answers.
    await eventually(async () => !(await isAlive(pid)));
  });

  it('restarts a left-over server when the settings differ', async () => {
    const { child } = await startElsewhere();
    await kill9(child);
    const server = await start({ settings: { ...QUICK, max_connections: '30' } });
    expect(server.reused).toBe(false);
    expect(await query(server.url, 'show max_connections')).toEqual([{ max_connections: '30' }]);
  });

  it('replaces a left-over server that does not answer', async () => {
    const { child } = await startElsewhere();
    await kill9(child);
    process.kill((await pidFile(dataDir)).pid, 'SIGSTOP');
    const lines: string[] = [];
    const server = await start({ onLog: (line) => lines.push(line) });
    expect(server.reused).toBe(false);
    expect(lines.join()).toContain('does not answer');
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('recovers when the server was killed while its children work on', async () => {
    const { child } = await startElsewhere();
    const credentials = JSON.parse(await readFile(join(dataDir, 'postgres.password'), 'utf8')) as { superuser: string };
    const { pid, lines } = await pidFile(dataDir);
    const busy = new pg.Client({ connectionString: `postgres://postgres:${credentials.superuser}@127.0.0.1:${lines[3]}/postgres` });
    busy.on('error', () => undefined);
    await busy.connect();
    // Never looks whether its server still lives, and keeps the shared memory in use.
    const outcome = busy.query(`do $$ begin loop end loop; end $$`).then(
      () => 'ended',
      () => 'cut off',
    );
    await kill9(child);
    process.kill(pid, 'SIGKILL');
    const told: string[] = [];
    const server = await start({ onLog: (line) => told.push(line) });
    expect(told).toContain('ending what is left of a killed database server');
    expect(server.reused).toBe(false);
    expect(await outcome).toBe('cut off');
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await busy.end();
  });

  it('leaves the program alone that now has the process id', async () => {
    const first = await start();
    await first.stop();
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
    children.add(bystander);
    await writeFile(
      join(dataDir, 'postgres', 'postmaster.pid'),
      `${bystander.pid}\n${dataDir}/postgres\n1\n${first.port}\n\n127.0.0.1\n  1  1\nready   \n`,
    );
    const second = await start();
    expect(second.reused).toBe(false);
    expect(bystander.exitCode).toBeNull();
    expect(bystander.signalCode).toBeNull();
  });

  it('begins again after a first start that was cut short', async () => {
    await mkdir(join(dataDir, 'postgres.new-0123456789ab'), { recursive: true });
    await writeFile(join(dataDir, 'postgres.lock'), JSON.stringify({ pid: process.pid, started: 'before the last boot/1', attempt: '' }));
    await start();
    expect(await readdir(dataDir)).not.toContain('postgres.new-0123456789ab');
  });
});

describe('refusals, each one line', () => {
  const refusal = async (promise: Promise<unknown>): Promise<string> => {
    const error: unknown = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(StartupError);
    const { message } = error as StartupError;
    expect(message).not.toContain('\n');
    return message;
  };

  it('a data folder that is in use, by us or by another process', async () => {
    const [one, two] = await Promise.allSettled([start(), start()]);
    const refused = one.status === 'rejected' ? one : two;
    expect([one.status, two.status].sort()).toEqual(['fulfilled', 'rejected']);
    expect(await refusal(refused.status === 'rejected' ? Promise.reject(refused.reason as Error) : Promise.resolve())).toBe(
      `data folder ${dataDir} is in use by process ${process.pid}`,
    );
    const { said } = await startElsewhere();
    expect(said).toBe(`StartupError: data folder ${dataDir} is in use by process ${process.pid}`);
  });

  it.each([
    ['99', /made by a newer version \(PostgreSQL 99; this is \d+\.\d+\)/],
    ['9.6', /made by an older PostgreSQL \(9\.6; .*dump it .* and restore/],
    ['what', /PG_VERSION is damaged/],
  ])('a data folder of version %s', async (version, message) => {
    await mkdir(join(dataDir, 'postgres'), { recursive: true });
    if (isRoot) await chown(join(dataDir, 'postgres'), 65534, 65534);
    await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), `${version}\n`);
    expect(await refusal(start())).toMatch(message);
    expect(await readdir(dataDir)).not.toContain('postgres.lock');
  });

  it('a data folder that cannot be made or written', async () => {
    await writeFile(join(base, 'file'), '');
    expect(await refusal(start({ dataDir: join(base, 'file') }))).toMatch(/file is not writable: it is a file$/);
    expect(await refusal(start({ dataDir: join(base, 'file', 'data') }))).toMatch(/is not writable: (a part of the path|it) is a file$/);
    await mkdir(dataDir, { mode: 0o500 });
    const message = isRoot ? (await startElsewhere({ uid: 65534, gid: 65534 })).said : await refusal(start());
    expect(message).toContain(`data folder ${dataDir} is not writable: permission denied`);
  });

  it('a cluster without its passwords, or with other ones', async () => {
    const server = await start();
    await server.stop();
    const path = join(dataDir, 'postgres.password');
    await writeFile(path, JSON.stringify({ superuser: 'wrong', wheelhouse: 'wrong' }));
    expect(await refusal(start())).toContain(`the passwords in ${path} are not those of the database`);
    await rm(path);
    expect(await refusal(start())).toContain(`${path} is missing`);
  });
});

(isRoot ? describe : describe.skip)('as root, in a folder that the service account cannot reach', () => {
  let home: string | undefined;

  beforeEach(() => chmod(base, 0o700));

  afterEach(async () => {
    for (const server of running) await server.stop();
    if (home?.startsWith('/var/lib/wheelhouse/')) await rm(home, { recursive: true, force: true });
    home = undefined;
  });

  it('keeps the cluster in the fallback place and remembers it', async () => {
    const first = await start();
    home = first.dataDir;
    expect(home).toMatch(/^\/var\/lib\/wheelhouse\/[0-9a-f]{12}$/);
    expect(await readFile(join(dataDir, 'postgres.location'), 'utf8')).toBe(`${home}\n`);
    expect([await modeOf(dataDir), await modeOf(home), await modeOf(join(home, 'postgres'))]).toEqual(['700', '711', '700']);
    await query(first.url, 'create table kept as select 7 as id');
    await first.stop();
    const second = await start();
    expect(second).toMatchObject({ dataDir: home, port: first.port });
    expect(await query(second.url, 'select id from kept')).toEqual([{ id: 7 }]);
  });

  it('copies the programs when they cannot be reached either, and takes over the server there', async () => {
    await symlink(resolve('node_modules'), join(base, 'node_modules'));
    const { child } = await startElsewhere({ cwd: base });
    home = (await readFile(join(dataDir, 'postgres.location'), 'utf8')).trim();
    expect(await readdir(home)).toEqual([expect.stringMatching(/^native-/), 'owner', 'postgres']);
    expect((await readFile(join(home, 'postgres', 'postmaster.opts'), 'utf8')).startsWith(`${home}/native-`)).toBe(true);
    await kill9(child);
    expect(JSON.parse((await startElsewhere({ cwd: base })).said)).toMatchObject({ reused: true });
    for (const left of children) if (left.exitCode === null && left.signalCode === null) await kill9(left);
    // From here the programs are within reach where they are: the server is restarted from there.
    expect(await start()).toMatchObject({ reused: false, dataDir: home });
  });

  it('begins anew when the data folder was removed, and keeps the old database', async () => {
    const first = await start();
    home = first.dataDir;
    await first.stop();
    await rm(dataDir, { recursive: true });
    const second = await start();
    expect(second.dataDir).toBe(home);
    expect((await readdir(home)).filter((name) => name.startsWith('postgres.forgotten-'))).toHaveLength(1);
  });
});
