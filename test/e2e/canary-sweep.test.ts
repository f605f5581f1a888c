import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { Canaries, rowsOfAllTables } from '../support/canaries.js';
import { eventually } from '../support/eventually.js';
import { ok, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, request } from '../support/requests.js';
import { adminUrlOf, Launcher, type Program } from '../support/processes.js';

/** Every file below a folder, with what it holds; one that has gone since it was listed holds nothing. */
function* filesBelow(folder: string): Generator<[string, Buffer]> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const kind = statSync(path, { throwIfNoEntry: false });
    if (kind?.isDirectory()) yield* filesBelow(path);
    else if (kind?.isFile()) yield [path, readFileSync(path)];
  }
}

describe('a canary in every secret field', () => {
  const launcher = new Launcher();
  const canaries = new Canaries();
  /** What is no secret, and is found: the sweep looks where things are. */
  const controls = new Canaries();
  const answers: string[] = [];
  let data: string;
  let program: Program;

  beforeAll(async () => {
    data = await launcher.dataFolder();
    program = await launcher.start({ WHEELHOUSE_DATA: data, ADMIN_TOKEN, LOG_LEVEL: 'trace' }).ready();
  }, 90_000);
  afterAll(() => launcher.clear());

  /** A request whose answer, a refusal too, must not repeat what was sent. */
  async function send<T = Record<string, unknown>>(method: string, path: string, body: unknown, token = ADMIN_TOKEN, headers: Record<string, string> = {}): Promise<ApiResponse<T>> {
    const answer = await request<T>(program.url, method, `/api/v1${path}`, { token, body, headers: { 'idempotency-key': unique('key'), ...headers } });
    answers.push(JSON.stringify([answer.body, ...answer.headers]));
    return answer;
  }

  /** Uses each secret field there is: well, badly, and under the wrong name. */
  async function fillEverything(): Promise<void> {
    const password = canaries.put('password of a new user');
    const email = `${unique('person')}@example.com`;
    await ok(send('POST', '/admin/users', { email, password, full_name: 'A Person', role: 'admin' }));
    const signedIn = await ok(request<{ access_token: string }>(program.url, 'POST', '/api/v1/auth/login', { body: { email, password } }));
    const { access_token: token } = signedIn;
    await send('POST', '/auth/login', { email, password: canaries.put('wrong password') });
    await send('POST', '/auth/register', { email: `${unique('x')}@example.com`, password: canaries.put('password of a registration'), full_name: 'X', nonsense: true });
    const { body: secret } = await send<{ id: string; name: string }>('POST', '/secrets', { name: unique('S'), value: canaries.put('value of a new secret'), description: controls.put('description') }, token);
    const path = `/secrets/${secret.id}`;
    await ok(send('PUT', path, { value: canaries.put('value of a changed secret') }, token));
    await ok(send('POST', `${path}/rotate`, { value: canaries.put('value of a rotated secret') }, token));
    await ok(send('POST', `${path}/rollback`, { version: 1 }, token));
    await ok(send('POST', `${path}/versions/destroy`, { version: 2 }, token));
    await send('POST', '/secrets', { name: 'not a name', value: canaries.put('value of a refused secret') }, token);
    await send('POST', '/secrets', { name: secret.name, value: canaries.put('value of a secret whose name is taken') }, token);
    await send('POST', '/secrets', { name: unique('S'), value: { nested: canaries.put('value of the wrong type') } }, token);
    await send('POST', '/secrets', `{"name": "X", "value": "${canaries.put('value in broken JSON')}`, token);
    await useIt(secret, token);
  }

  /** A person and an agent read it: their answers are the two that hold a value. */
  async function useIt({ id, name }: { id: string; name: string }, token: string): Promise<void> {
    const seen = (method: string, path: string, who: string, body?: unknown) => ok(request<{ value: string }>(program.url, method, `/api/v1${path}`, { token: who, body, headers: { 'idempotency-key': unique('key') } }));
    const { value } = await seen('POST', `/secrets/${id}/reveal`, token, { reason: 'The sweep.' });
    const agent = await ok(request<{ id: string; token: string }>(program.url, 'POST', '/api/v1/agents', { token, body: { name: unique('agent') } }));
    await ok(send('POST', `/secrets/${id}/grants`, { agent_id: agent.id }, token));
    await ok(send('POST', '/tasks', { title: 'Needs it', payload: { auth: `{{secret:${name}}}` } }, token));
    const claimed = await ok(send<{ items: { task: { payload: unknown } }[] }>('POST', '/agent/tasks/claim', {}, agent.token));
    expect(claimed.items[0]?.task.payload).toEqual({ auth: `{{secret:${name}}}` });
    expect((await seen('GET', `/agent/secrets/${name}`, agent.token)).value).toBe(value);
  }

  /** Every row of every table as text; bytes as they are. */
  async function* rowsOfTables(): AsyncGenerator<[string, Buffer]> {
    const admin = new pg.Client({ connectionString: adminUrlOf(data) });
    await admin.connect();
    const tables = new Set<string>();
    try {
      for await (const [table, content] of rowsOfAllTables(admin)) {
        tables.add(table);
        yield [table, content];
      }
      await admin.query('checkpoint');
    } finally {
      await admin.end();
    }
    expect([...tables]).toEqual(expect.arrayContaining(['secrets', 'secret_versions', 'audit_log', 'events', 'tasks', 'idempotency_keys'].map((name) => `table ${name}`)));
  }

  it('is found when it is there: the sweep is no blind one', () => {
    const own = new Canaries();
    const canary = own.put('a field');
    for (const form of [canary, encodeURIComponent(canary), Buffer.from(canary).toString('hex'), Buffer.from(`x${canary}`).toString('base64'), Buffer.from(`{"v":"${canary}"}`).toString('base64url')]) {
      expect(own.foundIn('a text', `before ${form} after`)).toEqual(['a field in a text']);
    }
    expect(own.foundIn('a text', 'nothing')).toEqual([]);
  });

  it('is found nowhere: tables, files, write-ahead log, logs, audit, metrics, events, refusals, arguments', async () => {
    await fillEverything();
    // What follows the log of events has had them.
    await eventually(async () => (await request<{ items: unknown[] }>(program.url, 'GET', '/api/v1/admin/audit?action=secret.use', { token: ADMIN_TOKEN })).body.items.length > 0);
    const found = new Set<string>();
    const seen = new Set<string>();
    const look = (where: string, content: Buffer | string): void => {
      canaries.foundIn(where, content).forEach((place) => found.add(place));
      controls.foundIn(where, content).forEach((place) => seen.add(place));
    };
    for await (const [where, content] of rowsOfTables()) look(where, content);
    for (const [path, content] of filesBelow(data)) look(path.slice(data.length), content);
    for (const path of ['/metrics', '/api/v1/admin/audit?limit=100', '/api/v1/secrets?limit=100']) look(path, JSON.stringify((await request(program.url, 'GET', path, { token: ADMIN_TOKEN })).body));
    for (const answer of answers) look('an answer', answer);
    for (const name of ['cmdline', 'environ']) look(name, readFileSync(`/proc/${program.pid}/${name}`));
    await eventually(() => program.stdout.includes('request completed'));
    look('standard output', program.stdout);
    look('standard error', program.stderr);
    expect([...found]).toEqual([]);
    expect([...seen]).toEqual(expect.arrayContaining(['description in table secrets', expect.stringMatching(/\/pg_wal\/[0-9A-F]{24}$/), expect.stringMatching(/\/base\/\d+\/\d+$/), expect.stringContaining('/api/v1/secrets')]));
  }, 90_000);
});
