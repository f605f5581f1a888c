import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { HttpAdapterHost } from '@nestjs/core';
import { AddressResolver } from '../../src/platform/egress/address-resolver.js';
import { inScope } from '../../src/platform/database/transaction-scope.js';
import { EgressPassages } from '../../src/platform/egress/egress-passages.js';
import { EgressPolicy } from '../../src/platform/egress/egress-policy.js';
import { EgressMeter } from '../../src/platform/egress/egress-meter.js';
import { Egress } from '../../src/platform/egress/egress.js';
import { Config, loadConfig } from '../../src/platform/config/config.js';
import { type Plane, startPlane } from '../support/plane.js';

/** A resolver of the test's own: what a name stands for changes from one question to the next, as a rebinding one does. */
class ScriptedResolver extends AddressResolver {
  readonly asked: string[] = [];
  constructor(private readonly answers: Record<string, string[][]>) {
    super();
  }
  override async addressesOf(name: string): Promise<string[]> {
    this.asked.push(name);
    const answers = this.answers[name] ?? [];
    return Promise.resolve((answers.length > 1 ? answers.shift() : answers[0]) ?? []);
  }
}

let plane: Plane;
const servers: Server[] = [];
const clients: Egress[] = [];
/** Requests that reached one of the local servers, with the address that they came in at. */
let reached: { url: string; at: string; request: IncomingMessage; body: string }[] = [];

const answers: Record<string, RequestListener> = {
  '/redirect': (_request, response) => void response.writeHead(302, { location: '/elsewhere' }).end(),
  '/large': (_request, response) => void response.end(Buffer.alloc(200_000)),
  '/endless': (_request, response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(16_384)), 1);
    response.on('close', () => clearInterval(timer));
  },
  '/slow': () => undefined,
  '/empty': (_request, response) => void response.writeHead(204).end(),
  '/json': (_request, response) => void response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] }).end('{"ok":true}'),
};

const listener: RequestListener = (request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    reached.push({ url: request.url ?? '', at: request.socket.localAddress ?? '', request, body });
    const answer = answers[new URL(request.url ?? '', 'http://x').pathname];
    if (answer) answer(request, response);
    else response.end('hello');
  });
};

async function serve(host: string, port = 0): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The plane's own egress, with another list of what is allowed and another resolver. */
function egress(allow: string, resolver: AddressResolver = new AddressResolver()): Egress {
  const config = new Config({ ...plane.app.get(Config).settings, EGRESS_ALLOW: loadConfig({ EGRESS_ALLOW: allow }).get('EGRESS_ALLOW') });
  const made = new Egress(new EgressPolicy(config, resolver, plane.app.get(HttpAdapterHost)), plane.app.get(EgressMeter), plane.app.get(EgressPassages));
  clients.push(made);
  return made;
}

let port: number;
const get = (client: Egress, url: string, more: object = {}) => client.request({ url, purpose: 'test', ...more });
const refused = expect.objectContaining({ code: 'egress_refused' });
const failed = (words: RegExp) => expect.objectContaining({ code: 'egress_failed', message: expect.stringMatching(words) });

beforeAll(async () => {
  plane = await startPlane();
  port = await serve('127.0.0.1');
  await serve('127.0.0.2', port);
});
beforeEach(() => (reached = []));
afterAll(async () => {
  await Promise.all(clients.map((client) => client.onApplicationShutdown()));
  for (const server of servers) server.closeAllConnections();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  await plane.stop();
});

it('never calls the plane by the address that PUBLIC_URL gives it, whatever is allowed', () => {
  const config = new Config({ ...plane.app.get(Config).settings, ...loadOwn() });
  const policy = new EgressPolicy(config, new AddressResolver(), plane.app.get(HttpAdapterHost));
  for (const host of ['wheelhouse.example', 'WHEELHOUSE.example.']) expect(() => policy.check(host, ['1.1.1.1'], 443)).toThrow('installation');
  expect(() => policy.check('wheelhouse.example', ['1.1.1.1'], 8443)).not.toThrow();
  expect(() => policy.check('other.example', ['1.1.1.1'], 443)).not.toThrow();
});

function loadOwn(): { EGRESS_ALLOW: string[]; PUBLIC_URL: string } {
  const own = loadConfig({ EGRESS_ALLOW: 'wheelhouse.example', PUBLIC_URL: 'https://wheelhouse.example/' });
  return { EGRESS_ALLOW: own.get('EGRESS_ALLOW'), PUBLIC_URL: own.get('PUBLIC_URL') as string };
}

describe('without an allowance', () => {
  it.each(['127.0.0.1', 'localhost', '0.0.0.0', '2130706433', '0177.1', '0x7f.0x1', '127.1', '[::1]', '[::]', '[::ffff:127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '169.254.169.254', '[fe80::1]'])(
    'sends nothing to %s',
    async (host) => {
      await expect(get(egress(''), `http://${host}:${port}/`)).rejects.toEqual(refused);
      expect(reached).toEqual([]);
    },
  );

  it.each(['file:///etc/passwd', 'ftp://example.com/', 'gopher://example.com/', 'data:text/plain,x', 'ws://example.com/', 'not an address', 'http://user:password@example.com/'])('calls no %s', async (url) => {
    await expect(get(egress(''), url)).rejects.toEqual(refused);
  });

  it('refuses a name of which one address is private, whatever the others are', async () => {
    const resolver = new ScriptedResolver({ 'mixed.example': [['93.184.216.34', '10.0.0.1']] });
    await expect(get(egress('', resolver), `http://mixed.example:${port}/`)).rejects.toEqual(refused);
  });

  it('refuses a name that stands for this machine', async () => {
    const resolver = new ScriptedResolver({ 'rebound.example': [['127.0.0.1']] });
    await expect(get(egress('', resolver), `http://rebound.example:${port}/`)).rejects.toEqual(refused);
    expect(reached).toEqual([]);
  });

  it('says of a name without an address that it has none', async () => {
    await expect(get(egress('', new ScriptedResolver({})), 'http://nowhere.example/')).rejects.toEqual(failed(/no address/));
  });
});

describe('with an allowance', () => {
  it('sends and reads', async () => {
    const client = egress('127.0.0.1');
    const answer = await get(client, `http://127.0.0.1:${port}/json?a=1`, { method: 'POST', headers: { 'x-test': 'yes' }, body: 'text' });
    expect(answer).toEqual({ status: 200, headers: expect.objectContaining({ 'content-type': 'application/json', 'set-cookie': 'a=1, b=2' }), body: Buffer.from('{"ok":true}') });
    expect(reached).toEqual([expect.objectContaining({ url: '/json?a=1', body: 'text' })]);
    expect(reached[0]!.request.headers).toMatchObject({ 'x-test': 'yes', host: `127.0.0.1:${port}` });
  });

  it('is not called from a transaction, which would hold its connection meanwhile', async () => {
    const before = reached.length;
    await expect(inScope(() => get(egress('127.0.0.1'), `http://127.0.0.1:${port}/json`))).rejects.toThrow('A transaction does not wait for the network (test).');
    expect(reached).toHaveLength(before);
  });

  it('is allowed that address alone', async () => {
    await expect(get(egress('127.0.0.1'), `http://127.0.0.2:${port}/`)).rejects.toEqual(refused);
    await expect(get(egress('10.0.0.0/8'), `http://127.0.0.1:${port}/`)).rejects.toEqual(refused);
    expect((await get(egress('127.0.0.0/8'), `http://127.0.0.2:${port}/`)).status).toBe(200);
  });

  it('is allowed by name, whatever the name stands for, and by no other name', async () => {
    const resolver = new ScriptedResolver({ 'idp.internal': [['127.0.0.1']], 'other.internal': [['127.0.0.1']] });
    const client = egress('idp.internal', resolver);
    expect((await get(client, `http://idp.internal:${port}/`)).status).toBe(200);
    expect(reached[0]!.request.headers.host).toBe(`idp.internal:${port}`);
    await expect(get(client, `http://other.internal:${port}/`)).rejects.toEqual(refused);
    await expect(get(client, `http://127.0.0.1:${port}/`)).rejects.toEqual(refused);
  });

  it('resolves once and connects to what was checked, though the name is rebound meanwhile', async () => {
    const resolver = new ScriptedResolver({ 'rebinding.example': [['127.0.0.2'], ['127.0.0.1']] });
    expect((await get(egress('127.0.0.2', resolver), `http://rebinding.example:${port}/first`)).status).toBe(200);
    expect(resolver.asked).toEqual(['rebinding.example']);
    expect(reached.map(({ at }) => at)).toEqual(['127.0.0.2']);
    await expect(get(egress('127.0.0.2', resolver), `http://rebinding.example:${port}/second`)).rejects.toEqual(refused);
    expect(reached).toHaveLength(1);
  });

  it('never calls the plane itself', async () => {
    const own = new URL(plane.url);
    const client = egress('0.0.0.0/0,::/0,localhost');
    for (const host of [own.host, `localhost:${own.port}`, `127.0.0.2:${own.port}`, `[::ffff:127.0.0.1]:${own.port}`, `0.0.0.0:${own.port}`])
      await expect(get(client, `http://${host}/health`)).rejects.toEqual(expect.objectContaining({ code: 'egress_refused', message: 'That is the address of this installation.' }));
  });

  it('follows no redirect', async () => {
    const answer = await get(egress('127.0.0.1'), `http://127.0.0.1:${port}/redirect`);
    expect([answer.status, answer.headers['location']]).toEqual([302, '/elsewhere']);
    expect(reached.map(({ url }) => url)).toEqual(['/redirect']);
  });

  it.each(['host', 'Host', 'transfer-encoding', 'connection', 'content-length'])('leaves %s to the client', async (name) => {
    await expect(get(egress('127.0.0.1'), `http://127.0.0.1:${port}/`, { headers: { [name]: 'x' } })).rejects.toEqual(refused);
  });

  it('bounds bytes, also of an answer without an end', async () => {
    const client = egress('127.0.0.1');
    await expect(get(client, `http://127.0.0.1:${port}/large`, { maxBytes: 100_000 })).rejects.toEqual(failed(/larger than 100000 bytes/));
    expect((await get(client, `http://127.0.0.1:${port}/large`, { maxBytes: 200_000 })).body).toHaveLength(200_000);
    await expect(get(client, `http://127.0.0.1:${port}/endless`, { maxBytes: 50_000 })).rejects.toEqual(failed(/larger/));
  });

  it('bounds time, of an answer that does not begin and of one that does not end', async () => {
    const client = egress('127.0.0.1');
    await expect(get(client, `http://127.0.0.1:${port}/slow`, { timeoutMs: 100 })).rejects.toEqual(failed(/in time/));
    await expect(get(client, `http://127.0.0.1:${port}/endless`, { timeoutMs: 100, maxBytes: 1e9 })).rejects.toEqual(failed(/in time/));
  });

  it('gives up with its caller', async () => {
    const controller = new AbortController();
    const asked = get(egress('127.0.0.1'), `http://127.0.0.1:${port}/slow`, { signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toEqual(failed(/given up/));
  });

  it('says what is wrong with what is no HTTP, no TLS, and not there', async () => {
    const tcp = createTcpServer((socket: Socket) => void socket.end('SSH-2.0-nothing\r\n', () => socket.destroy()));
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const other = (tcp.address() as AddressInfo).port;
    const client = egress('127.0.0.1');
    await expect(get(client, `http://127.0.0.1:${other}/`)).rejects.toEqual(failed(/not HTTP/));
    await expect(get(client, `https://127.0.0.1:${other}/`)).rejects.toEqual(expect.objectContaining({ code: 'egress_failed' }));
    await new Promise((resolve) => tcp.close(resolve));
    await expect(get(client, `http://127.0.0.1:${other}/`)).rejects.toEqual(failed(/cannot be reached/));
  });

  it('is a fetch for libraries', async () => {
    const fetchLike = egress('127.0.0.1').fetchFor('test');
    const answer = await fetchLike(`http://127.0.0.1:${port}/json`, { method: 'POST', headers: new Headers({ accept: 'application/json' }), body: new URLSearchParams({ a: '1 2' }) });
    expect([answer.status, await answer.json()]).toEqual([200, { ok: true }]);
    expect(reached[0]!.body).toBe('a=1+2');
    expect(reached[0]!.request.headers).toMatchObject({ accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' });
    expect((await fetchLike(`http://127.0.0.1:${port}/empty`)).status).toBe(204);
    await expect(fetchLike('http://127.0.0.2/')).rejects.toEqual(refused);
  });

  it('counts what left and what did not', async () => {
    await get(egress('127.0.0.1'), `http://127.0.0.1:${port}/`);
    const { body } = await plane.request<string>('GET', '/metrics');
    expect(body).toMatch(/wheelhouse_egress_requests_total\{purpose="test",outcome="2xx"\} \d+/);
    expect(body).toMatch(/wheelhouse_egress_requests_total\{purpose="test",outcome="refused"\} \d+/);
  });
});

describe('EGRESS_ALLOW', () => {
  it.each(['10.0.0.0/33', '10.0.0', '1.2.3.4/a', 'http://host', 'a b', 'host:80', '*', '-a'])('is not %j', (value) => {
    expect(() => loadConfig({ EGRESS_ALLOW: value })).toThrow('EGRESS_ALLOW: must be host names, addresses or CIDR ranges');
  });
});
