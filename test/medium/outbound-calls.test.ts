import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { type OutboundAnswer, type OutboundCall, OutboundCalls } from '../../src/platform/egress/outbound-calls.js';
import { withAdmin } from '../support/databases.js';
import { createTenant, createUser, ok, type SignedIn, unique } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';

interface Received {
  url: string;
  headers: Record<string, unknown>;
  body: string;
}

let plane: Plane;
let receiver: Server;
let base: string;
let admin: SignedIn;
let tenantId: string;
let received: Received[] = [];

beforeAll(async () => {
  // Sends back all that it is told, as some services do in their errors.
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push({ url: request.url ?? '', headers: request.headers, body });
      response.writeHead(401, { 'x-echo': request.headers.authorization ?? '' }).end(`bad: ${request.url ?? ''} ${String(request.headers.authorization)} ${body}`);
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  plane = await startPlane({ environment: { EGRESS_ALLOW: '127.0.0.1' } });
  tenantId = (await createTenant(plane)).id;
  admin = await createUser(plane, { role: 'admin', tenant: tenantId });
});
beforeEach(() => (received = []));
afterAll(async () => {
  await plane.stop();
  receiver.close();
});

const VALUE = 'canary/0utbound value&+"quoted"';
const secret = (fields: Record<string, unknown> = {}): Promise<{ id: string; name: string; revision: number }> =>
  ok(plane.request('POST', '/api/v1/secrets', { token: admin.token, body: { name: unique('OUT'), value: VALUE, outbound_origins: [base], ...fields } }));
const send = (call: Partial<OutboundCall>, tenant = tenantId): Promise<OutboundAnswer> =>
  plane.app.get(RequestContext).runAsSystem(tenant, 'test', () => plane.app.get(OutboundCalls).send({ url: base, method: 'POST', purpose: 'test', ...call }));
const usesOf = async (id: string): Promise<{ detail: Record<string, unknown> }[]> =>
  (await ok(plane.request<{ items: { detail: Record<string, unknown> }[] }>('GET', `/api/v1/admin/audit?resource_type=secret&resource_id=${id}&action=secret.use`, { token: admin.token }))).items;

describe('a call that leaves with a secret in it', () => {
  it('has its placeholders filled in when it leaves, and nowhere else', async () => {
    const { id, name } = await secret();
    const mark = `{{secret:${name}}}`;
    const answer = await send({ url: `${base}/hooks/${mark}/x?key=${mark}&b=2`, headers: { authorization: `Bearer ${mark}` }, json: { token: mark, nested: [{ [mark]: 1 }] }, resource: { type: 'workflow_run', id: 'r1' } });
    expect(received).toHaveLength(1);
    const [got] = received as [Received];
    expect(got.headers['authorization']).toBe(`Bearer ${VALUE}`);
    expect(JSON.parse(got.body)).toEqual({ token: VALUE, nested: [{ [VALUE]: 1 }] });
    const url = new URL(got.url, base);
    expect(decodeURIComponent(url.pathname)).toBe(`/hooks/${VALUE}/x`);
    expect([...url.searchParams]).toEqual([['key', VALUE], ['b', '2']]);
    // What comes back is stored and shown: the placeholder is in it again.
    expect(answer.status).toBe(401);
    expect(JSON.stringify(answer)).not.toMatch(/0utbound|outbound value|quoted/);
    expect(answer.headers['x-echo']).toBe(`Bearer ${mark}`);
    expect(answer.body).toContain(mark);
    expect((await usesOf(id)).map(({ detail }) => detail)).toEqual([{ name, version: 1, origin: base, purpose: 'test', for: { type: 'workflow_run', id: 'r1' } }]);
  });

  it('has them filled in though the address has their braces encoded, by themselves too', async () => {
    const { name } = await secret({ value: 'plain-value' });
    for (const mark of [`%7B%7Bsecret:${name}%7D%7D`, `%7b%7bsecret:${name}%7d%7d`]) {
      await send({ url: `${base}/a/${mark}` });
      await send({ url: `${base}/a?key=${mark}` });
    }
    expect(received.map(({ url }) => url)).toEqual(['/a/plain-value', '/a?key=plain-value', '/a/plain-value', '/a?key=plain-value']);
  });

  it('does not leave with one in the fragment, which is not sent: nothing is opened for it', async () => {
    const { id, name } = await secret();
    for (const mark of [`{{secret:${name}}}`, `%7B%7Bsecret:${name}%7D%7D`]) await expect(send({ url: `${base}/a#${mark}` })).rejects.toMatchObject({ code: 'egress_refused', message: expect.stringContaining('fragment') });
    expect([received, await usesOf(id)]).toEqual([[], []]);
  });

  it('does not leave for where the secret may not go, and the refusal uses nothing', async () => {
    const { id, name } = await secret({ outbound_origins: ['https://127.0.0.1', base.replace('127.0.0.1', 'localhost'), 'https://*.example.com'] });
    const bare = await secret({ outbound_origins: [] });
    for (const wanted of [name, bare.name, unique('ABSENT')]) await expect(send({ headers: { 'x-key': `{{secret:${wanted}}}` } })).rejects.toMatchObject({ code: 'secret_not_allowed' });
    const foreign = (await createTenant(plane)).id;
    const own = await secret();
    await expect(send({ text: `{{secret:${own.name}}}` }, foreign)).rejects.toMatchObject({ code: 'secret_not_allowed' });
    expect([received, await usesOf(id), await usesOf(own.id)]).toEqual([[], [], []]);
  });

  it('cannot be led elsewhere by a value, or be given another header by it', async () => {
    const path = await secret({ value: '../../admin' });
    const line = await secret({ value: 'a\r\nx-evil: 1' });
    for (const url of [`http://{{secret:${path.name}}}/`, `{{secret:${path.name}}}`, `${base.replace('://', `://{{secret:${path.name}}}@`)}/`, `${base}/a/{{secret:${path.name}}}`]) await expect(send({ url })).rejects.toMatchObject({ code: 'egress_refused' });
    await expect(send({ headers: { 'x-key': `{{secret:${line.name}}}` } })).rejects.toMatchObject({ code: 'egress_refused' });
    expect(received).toEqual([]);
  });

  it('is refused once the secret has expired, and takes the new value once it was rotated', async () => {
    const { id, name } = await secret();
    await ok(plane.request('POST', `/api/v1/secrets/${id}/rotate`, { token: admin.token, body: { value: 'second value' } }));
    await send({ text: `{{secret:${name}}}` });
    expect(received.map(({ body }) => body)).toEqual(['second value']);
    await withAdmin((client) => client.query(`update secrets set expires_at = now() - interval '1 second' where id = $1`, [id]), plane.database.name);
    await expect(send({ text: `{{secret:${name}}}` })).rejects.toMatchObject({ code: 'secret_expired' });
    expect(received).toHaveLength(1);
  });
});

describe('where a secret may go', () => {
  it('is said by a person who signed in just now, as showing it would need', async () => {
    const key = await ok(plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: admin.token, body: { name: unique('key'), scopes: ['secret:read', 'secret:write'] } }));
    const { id, name } = await secret({ outbound_origins: [] });
    const asKey = (method: string, path: string, body: object) => plane.request<{ code: string; outbound_origins: string[] }>(method, `/api/v1/secrets${path}`, { token: key.key, body });
    expect((await asKey('POST', '', { name: unique('OUT'), value: 'x', outbound_origins: [base] })).body.code).toBe('fresh_sign_in_required');
    expect((await asKey('PUT', `/${id}`, { outbound_origins: [base] })).body.code).toBe('fresh_sign_in_required');
    await expect(send({ text: `{{secret:${name}}}` })).rejects.toMatchObject({ code: 'secret_not_allowed' });
    expect((await ok(plane.request<{ outbound_origins: string[] }>('PUT', `/api/v1/secrets/${id}`, { token: admin.token, body: { outbound_origins: [base] } }))).outbound_origins).toEqual([base]);
    await send({ text: `{{secret:${name}}}` });
    // Taking leave away, and changing something else, needs no more than before; it acts on the next call.
    expect((await asKey('PUT', `/${id}`, { outbound_origins: [base], description: 'x' })).status).toBe(200);
    expect((await asKey('PUT', `/${id}`, { outbound_origins: [] })).body.outbound_origins).toEqual([]);
    await expect(send({ text: `{{secret:${name}}}` })).rejects.toMatchObject({ code: 'secret_not_allowed' });
  });

  it.each([[['https://*.com']], [['example.com']], [[base, base]], ['x'], [[7]], [null]])('is refused when it is %j', async (outbound_origins) => {
    const answer = await plane.request<{ code: string; errors: { field: string }[] }>('POST', '/api/v1/secrets', { token: admin.token, body: { name: unique('OUT'), value: 'x', outbound_origins } });
    expect([answer.status, answer.body.errors[0]?.field]).toEqual([400, 'outbound_origins']);
  });
});
