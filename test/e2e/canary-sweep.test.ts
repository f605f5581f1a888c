import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { WebSocket } from 'ws';
import { Canaries, rowsOfAllTables } from '../support/canaries.js';
import { usedDataFolder } from '../support/data-template.js';
import { eventually } from '../support/eventually.js';
import { ok, unique } from '../support/factories.js';
import { KeyService } from '../support/key-service.js';
import { codeOf } from '../support/mfa.js';
import { CLIENT, CookieJar, type OidcProvider, startOidcProvider } from '../support/oidc-provider.js';
import { type ApiResponse, request } from '../support/requests.js';
import { adminUrlOf, type Environment, Launcher, procFile, type Program, serversIn } from '../support/processes.js';
import { putWebhookCanaries } from '../support/webhook-canaries.js';

/** Every file below a folder, with what it holds; one that has gone since it was listed holds nothing. */
function* filesBelow(folder: string): Generator<[string, Buffer]> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const kind = statSync(path, { throwIfNoEntry: false });
    if (kind?.isDirectory()) yield* filesBelow(path);
    else if (kind?.isFile()) yield [path, readFileSync(path)];
  }
}

/** Base32 as in `otpauth://`: what an authenticator keeps. */
function base32Bytes(text: string): Buffer {
  const bits = [...text].map((character) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(character).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

interface Tokens {
  access_token: string;
  refresh_token: string;
  challenge_token: string;
}

describe('a canary in every secret field', () => {
  const launcher = new Launcher();
  const canaries = new Canaries();
  /** What is no secret, and is found: the sweep looks where things are. */
  const controls = new Canaries();
  const answers: string[] = [];
  const pushed: string[] = [];
  const keyService = new KeyService();
  /** Answers with what it was asked with, as a place that is set up badly may do. */
  const mirror: Server = createServer((asked, response) => {
    asked.on('data', (chunk: Buffer) => pushed.push(chunk.toString()));
    asked.on('end', () => response.writeHead(500).end(JSON.stringify(asked.headers)));
  });
  let data: string;
  let environment: Environment;
  let adminToken: string;
  let setupToken: string;
  let provider: OidcProvider | undefined;
  let program: Program;

  beforeAll(async () => {
    data = await usedDataFolder(launcher);
    environment = { WHEELHOUSE_DATA: data, LOG_LEVEL: 'trace', EGRESS_ALLOW: '127.0.0.1', ...(await credentials(`${data}-settings`)) };
    program = await launcher.start(environment).ready();
    provider = await startOidcProvider(program.url);
  }, 90_000);
  afterAll(async () => {
    mirror.closeAllConnections();
    mirror.close();
    await Promise.all([keyService.stop(), provider?.stop(), launcher.clear()]);
  });

  /** Each setting that is a secret, in a file of its own outside of the data folder. */
  async function credentials(folder: string): Promise<Environment> {
    mkdirSync(folder, { mode: 0o700 });
    mirror.listen(0, '127.0.0.1');
    const [kmsUrl] = await Promise.all([keyService.start(), once(mirror, 'listening')]);
    const base = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
    const masterKey = /^[0-9a-f]{64}$/m.exec(readFileSync(join(data, 'master-key'), 'utf8'))?.[0] ?? '';
    rmSync(join(data, 'master-key'));
    canaries.put('bytes of the master key', Buffer.from(masterKey, 'hex'));
    keyService.token = canaries.putPlain('token of the key service');
    adminToken = canaries.putPlain('bootstrap token');
    setupToken = canaries.putPlain('setup token');
    const values: Record<string, string> = {
      ADMIN_TOKEN: adminToken,
      SETUP_TOKEN: setupToken,
      AGENT_TOKENS: `default:${canaries.putPlain('bootstrap token of an agent')}`,
      JWT_SECRET: canaries.put('key of access tokens', unique('jwt-secret-with-some-length-00000000')),
      MASTER_KEY: canaries.put('master key', masterKey),
      KMS_TOKEN: keyService.token,
      METRICS_TOKEN: canaries.putPlain('token of the metrics'),
      AUDIT_CHECKPOINT_WEBHOOK_TOKEN: canaries.putPlain('token of the audit webhook'),
      AUDIT_CHECKPOINT_S3_SECRET: canaries.putPlain('key of the audit store'),
    };
    const files = Object.entries(values).map(([name, value]) => {
      writeFileSync(join(folder, name), `${value}\n`, { mode: 0o600 });
      return [`${name}_FILE`, join(folder, name)] as const;
    });
    return { ...Object.fromEntries(files), KMS_URL: kmsUrl, AUDIT_CHECKPOINT_WEBHOOK: `${base}/hook`, AUDIT_CHECKPOINT_S3_URL: `${base}/bucket`, AUDIT_CHECKPOINT_S3_KEY_ID: 'key-id' };
  }

  /** A request whose answer, a refusal too, must not repeat what was sent. */
  async function send<T = Record<string, unknown>>(method: string, path: string, body?: unknown, token = adminToken, headers: Record<string, string> = {}): Promise<ApiResponse<T>> {
    const answer = await call<T>(method, path, body, token, headers);
    answers.push(JSON.stringify([answer.body, ...answer.headers]));
    return answer;
  }
  /** One whose answer is where a secret is shown, this once. */
  const call = <T = Tokens>(method: string, path: string, body?: unknown, token?: string, headers: Record<string, string> = {}): Promise<ApiResponse<T>> =>
    request<T>(program.url, method, `/api/v1${path}`, { body, headers: { 'idempotency-key': unique('key'), ...headers }, ...(token === undefined ? {} : { token }) });

  /** Tokens that an answer shows are secrets from then on. */
  function watch<T extends object>(what: string, shown: T): T {
    for (const [name, value] of Object.entries(shown)) if (/token|key|code|secret/.test(name) && typeof value === 'string' && value.length > 12 && !/token_type/.test(name)) canaries.put(`${name} of ${what}`, value);
    return shown;
  }

  async function signIn(what: string, email: string, password: string): Promise<Tokens> {
    return watch(what, await ok(call('POST', '/auth/login', { email, password })));
  }

  /** Setup, passwords, sessions, second factors: well, badly, and under the wrong name. @returns the token of an administrator */
  async function people(): Promise<string> {
    const [email, password] = [`${unique('first')}@example.com`, canaries.put('password of the first administrator')];
    await send('POST', '/setup/complete', { setup_token: canaries.putPlain('wrong setup token'), email, password, full_name: 'First' });
    const first = watch('the setup', await ok(call('POST', '/setup/complete', { setup_token: setupToken, email, password, full_name: 'First' })));
    await send('POST', '/auth/login', { email, password: canaries.put('wrong password') });
    await send('POST', '/auth/register', { email: `${unique('x')}@example.com`, password: canaries.put('password of a registration'), full_name: 'X', nonsense: true });
    await send('POST', '/admin/users', { email: `${unique('y')}@example.com`, password: canaries.put('password of a new user'), full_name: 'Y', role: 'user' });
    await send('POST', '/auth/refresh', { refresh_token: canaries.put('wrong refresh token') });
    await send('GET', '/auth/me', undefined, canaries.putPlain('wrong access token'));
    watch('a refreshed session', await ok(call('POST', '/auth/refresh', { refresh_token: first.refresh_token })));
    const next = canaries.put('changed password');
    await ok(send('POST', '/auth/change-password', { current_password: password, new_password: next }, (await signIn('a session', email, password)).access_token));
    const cookies = await request(program.url, 'POST', '/api/v1/auth/login', { body: { email, password: next, session: 'cookie' }, headers: { 'sec-fetch-site': 'same-origin' } });
    for (const line of cookies.headers.getSetCookie()) canaries.put(`cookie ${line.split('=', 1)[0] ?? ''}`, /=([^;]+)/.exec(line)?.[1] ?? '');
    const { access_token: token } = await signIn('another session', email, next);
    await secondFactor(token, email, next);
    return (await signIn('the session that goes on', email, next)).access_token;
  }

  async function secondFactor(token: string, email: string, password: string): Promise<void> {
    const { secret } = watch('the second factor', await ok(call<{ secret: string }>('POST', '/auth/mfa/setup', undefined, token)));
    canaries.put('bytes of the second factor', base32Bytes(secret));
    const { recovery_codes } = await ok(call<{ recovery_codes: string[] }>('POST', '/auth/mfa/verify', { code: codeOf(secret) }, token));
    recovery_codes.forEach((code, index) => canaries.put(`recovery code ${index}`, code));
    const { challenge_token } = await signIn('a challenge', email, password);
    await send('POST', '/auth/mfa/challenge', { challenge_token, recovery_code: canaries.putPlain('wrong recovery code') });
    const done = watch('a session with two factors', await ok(call('POST', '/auth/mfa/challenge', { challenge_token, recovery_code: recovery_codes[0] })));
    await send('POST', '/auth/mfa/disable', { password: canaries.put('wrong password of disabling'), code: '000000' }, done.access_token);
    await ok(send('POST', '/auth/mfa/disable', { password, code: codeOf(secret, 1) }, done.access_token));
  }

  /** Somebody comes through a provider. */
  async function singleSignOn(token: string): Promise<void> {
    const fields = { name: 'Example', issuer: provider!.issuer, ...CLIENT, create_users: true, allowed_domains: ['example.com'] };
    canaries.put('client secret', CLIENT.client_secret);
    const { id } = await ok(send<{ id: string }>('POST', '/sso/providers', fields, token));
    await send('PATCH', `/sso/providers/${id}`, { client_secret: canaries.put('client secret of a bad change'), signing_algorithm: 'none' }, token);
    await provider!.knows('somebody', { claims: { email: 'somebody@example.com', email_verified: true, name: 'Somebody' } });
    const jar = new CookieJar();
    const callback = await jar.throughProvider(`${program.url}/api/v1/auth/sso/${id}/start`, 'somebody');
    canaries.put('authorization code', new URL(callback).searchParams.get('code') ?? '');
    const code = /#sso_code=(.+)$/.exec((await jar.fetch(callback)).headers.get('location') ?? '')?.[1] ?? '';
    canaries.put('code of the sign-in', code);
    const exchange = (value: string) => jar.fetch(`${program.url}/api/v1/auth/sso/exchange`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code: value }) });
    const answer = await exchange(code);
    expect(answer.status).toBe(200);
    watch('a single sign-on', (await answer.json()) as Tokens);
    answers.push(await (await exchange(code)).text(), await (await exchange(canaries.putPlain('wrong code of a sign-in'))).text());
  }

  /** API keys and agent tokens, and all the places in an address where one may stand. */
  async function tokensAndAddresses(token: string): Promise<void> {
    const key = watch('an API key', await ok(call<{ id: string; key: string }>('POST', '/security/api-keys', { name: 'k', scopes: ['task:read'] }, token)));
    watch('a rotated API key', await ok(call<{ key: string }>('POST', `/security/api-keys/${key.id}/rotate`, {}, token)));
    const made = { 'idempotency-key': unique('key') };
    const agent = watch('an agent', await ok(call<{ id: string; token: string }>('POST', '/agents', { name: 'A' }, token, made)));
    expect((await call<{ token: string }>('POST', '/agents', { name: 'A' }, token, made)).body.token).toBe(agent.token);
    watch('an agent, rotated', await ok(call<{ token: string }>('POST', `/agents/${agent.id}/rotate-token`, { overlap_seconds: 60 }, token)));
    for (const name of ['token', 'access_token', 'api_key', 'key', 'jwt', 'code', 'password', 'secret']) await send('GET', `/tasks?${name}=${canaries.putPlain(`address, ${name}`)}`);
    for (const path of [`/proxy/${key.key}/v1/chat/completions`, `/api/v1/agents/${agent.token}`, `/nothing/${key.key}`, `/nothing?token=${token}`]) answers.push(JSON.stringify((await request(program.url, 'GET', path)).body));
    await send('GET', '/tasks', undefined, undefined, { 'x-api-key': canaries.putPlain('wrong API key'), 'x-agent-token': canaries.putPlain('wrong agent token'), cookie: `session=${canaries.putPlain('wrong cookie')}` });
    for (const value of [token, canaries.putPlain('token of a socket')]) await closed(new WebSocket(`${program.url.replace('http', 'ws')}/ws?token=${value}`));
    await closed(new WebSocket(`${program.url.replace('http', 'ws')}/ws`), { type: 'auth', token: canaries.putPlain('token in a first message') });
    await request(program.url, 'GET', `/metrics?token=${canaries.putPlain('wrong token of the metrics')}`, { token: canaries.putPlain('wrong bearer of the metrics') });
  }

  async function closed(socket: WebSocket, message?: object): Promise<void> {
    socket.on('error', () => undefined);
    socket.on('message', (text: Buffer) => answers.push(text.toString()));
    await eventually(() => socket.readyState !== socket.CONNECTING);
    if (message) socket.send(JSON.stringify(message));
    else socket.close();
    await eventually(() => socket.readyState === socket.CLOSED);
  }

  async function secrets(token: string): Promise<void> {
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
    const { value } = await ok(call<{ value: string }>('POST', `/secrets/${id}/reveal`, { reason: 'The sweep.' }, token));
    const agent = watch('the agent that uses it', await ok(call<{ id: string; token: string }>('POST', '/agents', { name: unique('agent') }, token)));
    await ok(send('POST', `/secrets/${id}/grants`, { agent_id: agent.id }, token));
    await ok(send('POST', '/tasks', { title: 'Needs it', payload: { auth: `{{secret:${name}}}` } }, token));
    const claimed = await ok(send<{ items: { task: { payload: unknown } }[] }>('POST', '/agent/tasks/claim', {}, agent.token));
    expect(claimed.items[0]?.task.payload).toEqual({ auth: `{{secret:${name}}}` });
    expect((await ok(call<{ value: string }>('GET', `/agent/secrets/${name}`, undefined, agent.token))).value).toBe(value);
  }

  /** The master key moves into the key service, which then answers with what it was asked with. @returns what the command said */
  async function moveMasterKey(): Promise<string> {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [resolve('dist/cli/main.js'), 'keys', 'rotate', '--to', 'kms'], { env: { PATH: process.env['PATH'] ?? '', ...environment } });
    keyService.instead = (_url, body) => ({ status: 500, body: { errors: [keyService.token, body] } });
    expect((await send('POST', '/tenants', { name: 'T', slug: unique('t') })).status).toBe(503);
    return stdout + stderr;
  }

  /** Every row of every table as text; bytes as they are. */
  async function* rowsOfTables(admin: pg.Client): AsyncGenerator<[string, Buffer]> {
    const tables = new Set<string>();
    for await (const [table, content] of rowsOfAllTables(admin)) {
      tables.add(table);
      yield [table, content];
    }
    expect([...tables]).toEqual(expect.arrayContaining(['secrets', 'secret_versions', 'audit_log', 'events', 'tasks', 'idempotency_keys', 'audit_pushes'].map((name) => `table ${name}`)));
  }

  it('is found when it is there: the sweep is no blind one', () => {
    const own = new Canaries();
    const canary = own.put('a field');
    for (const form of [canary, encodeURIComponent(canary), Buffer.from(canary).toString('hex'), Buffer.from(`x${canary}`).toString('base64'), Buffer.from(`{"v":"${canary}"}`).toString('base64url')]) {
      expect(own.foundIn('a text', `before ${form} after`)).toEqual(['a field in a text']);
      expect(own.foundIn('a text', form)).toEqual(['a field in a text']);
    }
    expect(own.foundIn('a text', 'nothing')).toEqual([]);
  });

  it('is found nowhere: tables, files, write-ahead log, logs, audit, metrics, exports, what is pushed, refusals, arguments, environments', async () => {
    const token = await people();
    await singleSignOn(token);
    await tokensAndAddresses(token);
    await secrets(token);
    await putWebhookCanaries({ url: program.url, receiver: environment['AUDIT_CHECKPOINT_WEBHOOK'] ?? '', token, canaries, answers, send, call, watch });
    const said = await moveMasterKey();
    // What the plane itself has made is among them.
    expect(canaries.fields).toEqual(expect.arrayContaining([
      'access_token of the setup', 'refresh_token of a refreshed session', 'secret of the second factor', 'bytes of the second factor', 'recovery code 9', 'challenge_token of a challenge',
      'cookie wheelhouse', 'cookie wheelhouse-csrf', 'authorization code', 'access_token of a single sign-on', 'key of an API key', 'key of a rotated API key',
      'token of an agent', 'token of an agent, rotated',
    ]));
    const found = new Set<string>();
    const seen = new Set<string>();
    const look = (where: string, content: Buffer | string): void => {
      canaries.foundIn(where, content).forEach((place) => found.add(place));
      controls.foundIn(where, content).forEach((place) => seen.add(place));
    };
    const admin = new pg.Client({ connectionString: adminUrlOf(data) });
    await admin.connect();
    try {
      await admin.query(`insert into pgboss.job (name) values ('audit-push-checkpoints')`);
      await eventually(async () => (await admin.query(`select 1 from audit_pushes where target in ('webhook', 's3') and last_error is not null`)).rows.length > 1, 30_000);
      for await (const [where, content] of rowsOfTables(admin)) look(where, content);
      await admin.query('checkpoint');
    } finally {
      await admin.end();
    }
    for (const [path, content] of filesBelow(data)) look(path.slice(data.length), content);
    for (const path of ['/api/v1/admin/audit?limit=100', '/api/v1/audit/export', '/api/v1/compliance/export?type=audit_log', '/api/v1/compliance/export?type=events', '/api/v1/secrets?limit=100']) look(path, JSON.stringify(await ok(request(program.url, 'GET', path, { token }))));
    look('/metrics', JSON.stringify(await ok(request(program.url, 'GET', '/metrics', { token: readFileSync(environment['METRICS_TOKEN_FILE'] ?? '', 'utf8').trim() }))));
    expect(pushed.length).toBeGreaterThan(0);
    for (const answer of answers) look('an answer', answer);
    for (const body of pushed) look('what is pushed', body);
    for (const name of ['cmdline', 'environ'] as const) {
      look(`${name} of the plane`, readFileSync(`/proc/${program.pid}/${name}`));
      // Backends come and go: one that has ended since it was listed has nothing left to look at.
      for (const pid of serversIn(data)) look(`${name} of the database`, procFile(pid, name) ?? '');
    }
    look('keys rotate', said);
    await eventually(() => program.stdout.includes('request completed'));
    look('standard output', program.stdout);
    look('standard error', program.stderr);
    expect([...found]).toEqual([]);
    expect([...seen]).toEqual(expect.arrayContaining(['description in table secrets', expect.stringMatching(/\/pg_wal\/[0-9A-F]{24}$/), expect.stringMatching(/\/base\/\d+\/\d+$/), expect.stringContaining('/api/v1/secrets')]));
    // No token of the provider either, which nobody saw but the plane.
    expect(/eyJhbGciOi/.exec(program.stdout + answers.join())).toBeNull();
  }, 120_000);
});
