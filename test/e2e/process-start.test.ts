import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { createDatabase, ownerUrl, superuserUrl, type TestDatabase, withAdmin } from '../support/databases.js';
import { usedDataFolder } from '../support/data-template.js';
import { eventually } from '../support/eventually.js';
import { PASSWORD } from '../support/factories.js';
import { ADMIN_TOKEN } from '../support/requests.js';
import { adminUrlOf, type Environment, Launcher, type Program, serversIn } from '../support/processes.js';

const launcher = new Launcher();
afterEach(() => launcher.clear());

describe('npm start without a database', () => {
  it('makes one, prints where everything is, and is ready within 3 s the next time', async () => {
    const data = await launcher.dataFolder();
    const first = await launcher.start({ WHEELHOUSE_DATA: data }).ready();
    expect(first.said('API')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/api\/v1$/);
    expect(first.said('Swagger')).toBe(`${first.url}/docs`);
    expect(first.said('Data')).toMatch(new RegExp(`^${data} \\(embedded PostgreSQL on 127\\.0\\.0\\.1:\\d+\\)$`));
    expect((await first.request('GET', '/readyz')).status).toBe(200);
    expect([first.said('Master key'), statSync(`${data}/master-key`).mode & 0o777]).toEqual([`${data}/master-key`, 0o600]);
    expect(first.stdout).toContain('Keep a copy of it apart from the database');
    const token = first.said('Setup token') ?? '';
    const setup = await first.request<{ access_token: string }>('POST', '/api/v1/setup/complete', {
      body: { setup_token: token, email: 'first@example.com', password: PASSWORD, full_name: 'The First' },
    });
    expect(setup.status).toBe(201);
    first.signal('SIGTERM');
    expect(await first.end()).toEqual({ code: 0, signal: null });
    expect(serversIn(data)).toEqual([]);

    const second = await launcher.start({ WHEELHOUSE_DATA: data }).ready();
    // Some 1.5 s on two cores with nothing else to do; here other suites run beside it.
    expect(second.readyAfter).toBeLessThan(10_000);
    expect([second.said('Setup token'), second.said('Master key')]).toEqual([undefined, undefined]);
    const me = await second.request('GET', '/api/v1/auth/me', { token: setup.body.access_token });
    expect(me.body).toMatchObject({ email: 'first@example.com' });
  });

  it('says nothing but its banner, and puts the setup token nowhere else', async () => {
    const data = await launcher.dataFolder();
    const program = await launcher.start({ WHEELHOUSE_DATA: data, LOG_LEVEL: 'info', PUBLIC_URL: 'https://wheelhouse.example/' }).ready();
    expect(program.stdout.trimStart()).toMatch(/^Wheelhouse is ready\./);
    expect(program.stderr).toBe('');
    expect(program.said('API')).toBe('https://wheelhouse.example/api/v1');
    expect(program.said('Swagger')).toBe('https://wheelhouse.example/docs');
    const token = program.said('Setup token') as string;
    for (const name of readdirSync(data, { withFileTypes: true }).filter((entry) => entry.isFile())) {
      expect(readFileSync(`${data}/${name.name}`, 'utf8')).not.toContain(token);
    }
  });

  it('runs requests and jobs as roles that row-level security binds', async () => {
    const data = await usedDataFolder(launcher);
    const program = await launcher.start({ WHEELHOUSE_DATA: data, ADMIN_TOKEN }).ready();
    expect(await rolesAtWork(adminUrlOf(data), program)).toEqual(['wheelhouse_app', 'wheelhouse_system']);
  });
});

describe('what keeps it from starting is one line and exit code 1', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  const refusal = async (environment: Environment): Promise<string> => {
    const program = launcher.start(environment);
    expect(await program.end()).toEqual({ code: 1, signal: null });
    expect(program.stdout).toBe('');
    expect(program.stderr).toMatch(/^wheelhouse: [^\n]+\n$/);
    return program.stderr;
  };

  it('a port that is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as { port: number };
    try {
      expect(await refusal({ DATABASE_URL: database.url, WHEELHOUSE_DATA: await launcher.dataFolder(), PORT: String(port) })).toBe(
        `wheelhouse: port ${port} on 127.0.0.1 is taken: stop what uses it, or set PORT\n`,
      );
    } finally {
      blocker.close();
    }
  });

  it('a port that is taken, and then the embedded database is stopped too', async () => {
    const data = await launcher.dataFolder();
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    try {
      await refusal({ WHEELHOUSE_DATA: data, PORT: String((blocker.address() as { port: number }).port) });
      expect(serversIn(data)).toEqual([]);
      expect(readdirSync(data)).not.toContain('postgres.lock');
    } finally {
      blocker.close();
    }
  });

  it('an address that is not of this machine', async () => {
    expect(await refusal({ DATABASE_URL: database.url, WHEELHOUSE_DATA: await launcher.dataFolder(), HOST: '192.0.2.1' })).toContain('HOST names no address of this machine');
  });

  it('a database that cannot be reached', async () => {
    const said = await refusal({ DATABASE_URL: 'postgres://someone:canary-password@127.0.0.1:1/nowhere' });
    expect(said).toBe('wheelhouse: database unreachable (ECONNREFUSED): check DATABASE_URL and that the server is running\n');
  });

  it('a password that the database does not take', async () => {
    const url = new URL(database.url);
    url.password = 'canary-password';
    const said = await refusal({ DATABASE_URL: url.toString() });
    expect(said).toContain('28P01');
    expect(said).not.toContain('canary');
  });

  it('a database that is too old', async () => {
    const server = await oldServer('140012');
    try {
      const { port } = server.address() as { port: number };
      expect(await refusal({ DATABASE_URL: `postgres://someone@127.0.0.1:${port}/anything` })).toBe('wheelhouse: database too old: PostgreSQL 15 or newer is needed\n');
    } finally {
      server.close();
    }
  });

  it('a database that a newer version has migrated', async () => {
    await withAdmin(async (admin) => {
      await admin.query(`insert into schema_migrations (timestamp, name) values (9999999999999, 'Future9999999999999')`);
    }, database.name);
    try {
      expect(await refusal({ DATABASE_URL: database.url, WHEELHOUSE_DATA: await launcher.dataFolder() })).toContain('made by a newer version of Wheelhouse (it has Future9999999999999)');
    } finally {
      await withAdmin(async (admin) => {
        await admin.query(`delete from schema_migrations where name = 'Future9999999999999'`);
      }, database.name);
    }
  });

  it('a Redis that cannot be reached', async () => {
    const said = await refusal({ DATABASE_URL: database.url, WHEELHOUSE_DATA: await launcher.dataFolder(), LOG_LEVEL: 'error', RATE_LIMIT_BACKEND: 'redis', REDIS_URL: 'redis://:canary@127.0.0.1:1' });
    expect(said).toContain('REDIS_URL');
    expect(said).not.toContain('canary');
  });

  it('a role that may not do what migrations do', async () => {
    const name = `weak_${Date.now()}`;
    await withAdmin((admin) => admin.query(`create role ${name} login password 'weak'; `));
    await withAdmin((admin) => admin.query(`create database ${name} owner ${name}`));
    try {
      const url = new URL(superuserUrl(name));
      [url.username, url.password] = [name, 'weak'];
      expect(await refusal({ DATABASE_URL: url.toString(), WHEELHOUSE_DATA: await launcher.dataFolder() })).toMatch(/the role of DATABASE_URL lacks a right \(permission denied/);
    } finally {
      await withAdmin((admin) => admin.query(`drop database ${name} with (force)`));
      await withAdmin((admin) => admin.query(`drop role ${name}`));
    }
  });

  it('a Node.js that is too old', async () => {
    const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.20.0' } })`;
    const said = await refusal({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(pretend)}` });
    expect(said).toBe('wheelhouse: Node.js 24 or newer is needed, this is 22.20.0: npm start brings its own\n');
  });

  it('a data folder that a newer PostgreSQL has made', async () => {
    const data = await launcher.dataFolder();
    mkdirSync(`${data}/postgres`, { recursive: true });
    if (process.getuid?.() === 0) chownSync(`${data}/postgres`, 65534, 65534);
    writeFileSync(`${data}/postgres/PG_VERSION`, '99\n');
    expect(await refusal({ WHEELHOUSE_DATA: data })).toMatch(/made by a newer version \(PostgreSQL 99/);
  });

  it.each([['embedded', undefined], ['of DATABASE_URL', 'given']])('a data folder that cannot be written, with the database %s', async (_name, given) => {
    const data = await launcher.dataFolder();
    writeFileSync(data, 'a file, where root cannot write either');
    chmodSync(data, 0o400);
    const said = await refusal({ WHEELHOUSE_DATA: data, ...(given ? { DATABASE_URL: database.url } : {}) });
    expect(said).toContain(given ? `the key of the access tokens cannot be kept in ${data} (EEXIST): make the folder writable` : `data folder ${data} is not writable`);
    rmSync(data);
  });

  it('settings, all bad ones at once, by name and never by value', async () => {
    const said = await refusal({
      PORT: 'canary-1',
      PROCESS_ROLE: 'canary-2',
      ADMIN_TOKEN: 'canary-3',
      AGENT_TOKENS: 'canary-4',
      DATABASE_POOL: '100000',
      JWT_SECRET_FILE: '/nowhere/canary-5',
      RATE_LIMIT_BACKEND: 'redis',
      WHEELHOUSE_DTAA: 'canary-6',
    });
    for (const name of ['PORT', 'PROCESS_ROLE', 'ADMIN_TOKEN', 'AGENT_TOKENS', 'DATABASE_POOL', 'JWT_SECRET_FILE', 'REDIS_URL', 'WHEELHOUSE_DTAA']) {
      expect(said).toContain(`${name}: `);
    }
    expect(said).not.toContain('canary');
    expect(said).not.toContain('100000');
  });
});

describe('several first starts at once', () => {
  it('migrate one after the other, and are all ready', async () => {
    const name = `empty_${Date.now()}`;
    await withAdmin((admin) => admin.query(`create database ${name} owner wheelhouse`));
    try {
      const environment = { DATABASE_URL: ownerUrl(name), WHEELHOUSE_DATA: await launcher.dataFolder() };
      const programs = await Promise.all([1, 2, 3].map(() => launcher.start(environment).ready()));
      expect(programs.filter((program) => program.said('Schema') !== undefined)).toHaveLength(1);
      for (const program of programs) expect((await program.request('GET', '/readyz')).status).toBe(200);
    } finally {
      await launcher.clear();
      await withAdmin((admin) => admin.query(`drop database ${name} with (force)`));
    }
  });
});

describe('a start with the URL of a superuser', () => {
  it('drops to roles that row-level security binds', async () => {
    const database = await createDatabase();
    try {
      const url = superuserUrl(database.name);
      const program = await launcher.start({ DATABASE_URL: url, WHEELHOUSE_DATA: await launcher.dataFolder(), ADMIN_TOKEN }).ready();
      expect(await rolesAtWork(url, program)).toEqual(['wheelhouse_app', 'wheelhouse_system']);
      program.signal('SIGTERM');
      await program.end();
    } finally {
      await database.drop();
    }
  });
});

/** The roles that a program's own statements run as: a superuser's trigger on what it writes writes them down. */
async function rolesAtWork(adminUrl: string, program: Program): Promise<string[]> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query(`
      create table roles_at_work (name text primary key);
      grant select, insert on roles_at_work to public;
      create function note_role() returns trigger language plpgsql as $$ begin insert into roles_at_work values (current_user) on conflict do nothing; return new; end $$;
      create trigger note_role before insert or update on processes for each row execute function note_role();
      create trigger note_role before insert on tasks for each row execute function note_role()`);
    expect((await program.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title: 'Whose statement is this?' } })).status).toBe(201);
    return await eventually(async () => {
      const { rows } = await admin.query<{ name: string }>('select name from roles_at_work order by name');
      return rows.length >= 2 ? rows.map(({ name }) => name) : undefined;
    });
  } finally {
    await admin.end();
  }
}

/** Speaks just enough of PostgreSQL's protocol to say how old it is. */
async function oldServer(version: string): Promise<Server> {
  const message = (type: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const ready = message('Z', Buffer.from('I'));
  const authenticated = Buffer.concat([message('R', Buffer.from([0, 0, 0, 0])), ready]);
  const column = Buffer.concat([Buffer.from('\0\x01version\0'), Buffer.alloc(6), Buffer.from([0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0])]);
  const row = Buffer.concat([Buffer.from([0, 1, 0, 0, 0, version.length]), Buffer.from(version)]);
  const answer = Buffer.concat([message('T', column), message('D', row), message('C', Buffer.from('SELECT 1\0')), ready]);
  const server = createServer((socket: Socket) => {
    let greeted = false;
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => {
      if (!greeted) socket.write(authenticated);
      else if (data[0] === 'X'.charCodeAt(0)) socket.end();
      else socket.write(answer);
      greeted = true;
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
