import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { WebhookPayloads } from '../../src/platform/webhooks/webhook-payloads.port.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createAgent, createTenant, createUser, ok, type SignedIn, someAddress, type TestAgent } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse } from '../support/requests.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

interface Endpoint {
  id: string;
  direction: string;
  url: string;
  secret: string;
  revision: number;
}
interface Receipt {
  id: string;
  received_at: string;
  code?: string;
}
interface Payload {
  id: string;
  status: string;
  task_id: string | null;
  error: string | null;
  form: string;
  replays: number;
  headers: Record<string, string>;
  body: string | null;
  body_base64: string | null;
}

let admin: SignedIn;
let agent: TestAgent;

beforeAll(() => startTwo());
beforeEach(async () => {
  admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
  agent = await createAgent(plane, {}, admin.token);
});
afterAll(stopTwo);

const call = <T = Record<string, unknown>>(method: string, at: string, body?: unknown, on = plane, token = admin.token): Promise<ApiResponse<T>> => on.request<T>(method, `/api/v1${at}`, { token, ...(body === undefined ? {} : { body }) });
const endpoint = (fields: Record<string, unknown> = {}): Promise<Endpoint> => ok(call<Endpoint>('POST', '/webhooks', { name: 'GitHub Issues', agent_id: agent.id, ...fields }));
const mac = (secret: string, text: string | Buffer): string => `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;
const sql = async <T extends object>(statement: string, values: unknown[] = []): Promise<T[]> => withAdmin(async (client) => (await client.query(statement, values)).rows as T[], plane.database.name);
const payloadsOf = async ({ id }: Endpoint): Promise<Payload[]> => (await ok(call<{ items: Payload[] }>('GET', `/webhooks/${id}/payloads`))).items;
const tasks = async (): Promise<{ id: string; title: string; agent_id: string; payload: { webhook: { payload_id: string }; body?: unknown; body_omitted?: boolean } }[]> =>
  (await ok(call<{ items: { id: string; title: string; agent_id: string; payload: never }[] }>('GET', '/tasks'))).items;

/** Sends bytes to an endpoint, signed as X-Signature unless other headers are given. */
async function post({ url, secret }: Pick<Endpoint, 'url' | 'secret'>, body: string | Buffer, headers?: Record<string, string>, on = plane): Promise<ApiResponse<Receipt>> {
  const response = await fetch(on.url + url, { method: 'POST', body: typeof body === 'string' ? body : new Uint8Array(body), headers: { 'content-type': 'application/json', 'x-forwarded-for': someAddress(), ...(headers ?? { 'x-signature': mac(secret, body) }) } });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Receipt };
}

describe('an endpoint', () => {
  it('has an address that cannot be guessed, and a secret that is shown once', async () => {
    const made = await endpoint();
    expect(made).toMatchObject({ direction: 'inbound', url: expect.stringMatching(/^\/webhook\/github-issues-[0-9a-f]{24}$/), secret: expect.stringMatching(/^whsec_/), agent_id: agent.id, signature_form: 'any', replay_seconds: 300, events: [] });
    expect(await ok(call<Endpoint>('GET', `/webhooks/${made.id}`))).toMatchObject({ url: made.url, secret: 'whsec_********' });
    expect((await ok(call<{ items: Endpoint[] }>('GET', '/webhooks?direction=outbound'))).items).toEqual([]);
    expect((await ok(call<{ items: Endpoint[] }>('GET', '/webhooks?direction=inbound&is_enabled=true'))).items.map(({ id }) => id)).toEqual([made.id]);
  });

  it.each([
    [{}, 'url'], [{ agent_id: 'AGENT' }, 'url'], [{ name: 'x', secret: '' }, 'secret'], [{ name: 'x', secret: null }, 'secret'], [{ name: 'x', events: ['task.*'] }, 'events'], [{ url: 'https://hooks.example/' }, 'events'],
    [{ url: 'https://hooks.example/', events: ['task.*'], signature_form: 'github' }, 'signature_form'], [{ name: 'x', agent_id: '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00' }, 'agent_id'],
  ])('is not made of %j', async (body, field) => {
    const answer = await call<{ errors: { field: string }[] }>('POST', '/webhooks', JSON.parse(JSON.stringify(body).replace('AGENT', agent.id)));
    expect([answer.status, answer.body.errors[0]?.field]).toEqual([400, field]);
  });

  it('makes a task of what it is sent, for its agent, in whichever process', async () => {
    const made = await endpoint();
    const receipts = [await post(made, '{"n":1}'), await post(made, '{"n":2}', undefined, second)];
    expect(receipts.map(({ status, body }) => [status, Object.keys(body)])).toEqual([[202, ['id', 'received_at']], [202, ['id', 'received_at']]]);
    await eventually(async () => (await payloadsOf(made)).every(({ status }) => status === 'done'));
    const [two, one] = await tasks();
    expect(one).toMatchObject({ title: 'Webhook: GitHub Issues', agent_id: agent.id, payload: { webhook: { id: made.id, payload_id: receipts[0]!.body.id, content_type: 'application/json' }, body: { n: 1 } } });
    expect([two!.payload.body, (await payloadsOf(made)).map(({ task_id }) => task_id)]).toEqual([{ n: 2 }, [two!.id, one!.id]]);
  });

  it('takes the forms of GitHub, GitLab, Slack, Stripe and Standard Webhooks', async () => {
    const made = await endpoint({ secret: 'a secret of this test'.replaceAll(' ', '-') });
    const [body, seconds] = ['{"form":true}', Math.floor(Date.now() / 1000)];
    const hex = (text: string): string => createHmac('sha256', made.secret).update(text).digest('hex');
    const forms: [string, Record<string, string>][] = [
      ['github', { 'x-hub-signature-256': mac(made.secret, body), 'x-github-delivery': 'd-1' }],
      ['gitlab', { 'x-gitlab-token': made.secret, 'x-gitlab-event-uuid': 'd-2' }],
      ['slack', { 'x-slack-request-timestamp': String(seconds), 'x-slack-signature': `v0=${hex(`v0:${seconds}:${body}`)}` }],
      ['stripe', { 'stripe-signature': `t=${seconds},v1=${hex(`${seconds}.${body}`)}` }],
      ['standard', { 'webhook-id': 'm-1', 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${createHmac('sha256', made.secret).update(`m-1.${seconds}.${body}`).digest('base64')}` }],
    ];
    for (const [form, headers] of forms) {
      await sql(`update webhook_payloads set received_at = received_at - interval '1 hour' where webhook_id = $1`, [made.id]);
      expect([form, (await post(made, body, headers)).status]).toEqual([form, 202]);
      const wrong = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, /signature|token/.test(name) ? value.replace(/.$/, (last) => (last === '0' ? '1' : '0')) : value]));
      if (form !== 'standard') expect([form, (await post(made, body, wrong)).status]).toEqual([form, 401]);
    }
    expect((await payloadsOf(made)).map(({ form }) => form).toSorted()).toEqual(['github', 'gitlab', 'slack', 'standard', 'stripe']);
    expect(JSON.stringify(await Promise.all((await payloadsOf(made)).map(({ id }) => ok(call('GET', `/webhooks/${made.id}/payloads/${id}`)))))).not.toContain(made.secret);
  });

  it.each(['any', 'sha256', 'github', 'stripe', 'slack', 'gitlab', 'standard'])('is tested as by one of its senders: %s', async (form) => {
    const made = await endpoint({ signature_form: form });
    const test = (token = admin.token): Promise<ApiResponse<{ id: string; code: string }>> => call('POST', `/webhooks/${made.id}/test`, undefined, second, token);
    const { id } = await ok(test());
    const [payload] = await payloadsOf(made);
    expect(payload).toMatchObject({ id, form: form === 'any' ? 'standard' : form });
    expect((await eventually(async () => (await tasks())[0])).payload).toMatchObject({ webhook: { payload_id: id }, body: { type: 'webhook.test', data: { webhook_id: made.id } } });
    const outsider = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
    expect((await test(outsider.token)).status).toBe(404);
    await ok(call('PATCH', `/webhooks/${made.id}`, { is_enabled: false }));
    expect((await test()).body.code).toBe('webhook_disabled');
  });

  it('keeps what it is sent as it is, sealed, and starts it again when somebody asks for it', async () => {
    const made = await endpoint();
    const bytes = Buffer.from([0, 255, 128, 7]);
    const receipt = await post(made, bytes, { 'content-type': 'application/octet-stream', 'x-signature': mac(made.secret, bytes), 'x-kind': 'binary', authorization: 'Bearer canary-credential', cookie: 'a=canary-cookie' });
    const text = await post(made, 'plain canary-text', { 'content-type': 'text/plain', 'x-signature': mac(made.secret, 'plain canary-text') });
    await eventually(async () => (await payloadsOf(made)).every(({ status }) => status === 'done'));
    const binary = await ok(call<Payload>('GET', `/webhooks/${made.id}/payloads/${receipt.body.id}`));
    expect(binary).toMatchObject({ body: null, body_base64: bytes.toString('base64'), headers: { 'content-type': 'application/octet-stream', 'x-kind': 'binary' }, form: 'sha256' });
    expect(JSON.stringify(binary)).not.toMatch(/canary|x-signature/);
    expect(await ok(call<Payload>('GET', `/webhooks/${made.id}/payloads/${text.body.id}`))).toMatchObject({ body: 'plain canary-text', body_base64: null });
    expect((await tasks()).map(({ payload }) => [payload.body, payload.body_omitted])).toEqual([['plain canary-text', undefined], [undefined, true]]);
    expect(JSON.stringify(await sql('select p::text from webhook_payloads p'))).not.toContain(Buffer.from('canary-text').toString('hex'));
    expect(await ok(call<Payload>('POST', `/webhooks/${made.id}/payloads/${text.body.id}/replay`))).toMatchObject({ status: 'received', replays: 1 });
    await eventually(async () => (await tasks()).length === 3);
    expect((await payloadsOf(made)).find(({ id }) => id === text.body.id)).toMatchObject({ status: 'done', task_id: (await tasks())[0]!.id });
  });

  it('says why no task was made, and makes it when that is mended', async () => {
    const made = await endpoint();
    await ok(call('DELETE', `/agents/${agent.id}`));
    const receipt = await post(made, '{}');
    const failed = await eventually(async () => (await payloadsOf(made)).find(({ status }) => status === 'failed'));
    expect(failed).toMatchObject({ id: receipt.body.id, task_id: null, error: expect.stringMatching(/^invalid_request: /) });
    const other = await createAgent(plane, {}, admin.token);
    await ok(call('PATCH', `/webhooks/${made.id}`, { agent_id: other.id }));
    await ok(call('POST', `/webhooks/${made.id}/payloads/${receipt.body.id}/replay`));
    await eventually(async () => (await tasks()).length === 1);
    const none = await endpoint({ name: 'for triggers', agent_id: null });
    await post(none, '{}');
    await eventually(async () => (await payloadsOf(none))[0]?.status === 'done');
    expect(await tasks()).toHaveLength(1);
    // Whoever handles the event of it opens it by its id, in its own tenant alone.
    const open = (tenant: string, id: string) => plane.app.get(RequestContext).runAsSystem(tenant, 'test', () => plane.app.get<WebhookPayloads>(WebhookPayloads).open(id));
    const { body } = await post(none, '{"for":"triggers"}');
    expect(await open(admin.tenantId, body.id)).toEqual({ webhookId: none.id, headers: expect.objectContaining({ 'content-type': 'application/json' }), body: { for: 'triggers' } });
    expect(await open((await createTenant(plane)).id, body.id)).toBeUndefined();
  });
});

describe('the same delivery', () => {
  it('sent twenty times at once, to two processes, is kept once, makes one task, and is answered alike', async () => {
    const made = await endpoint();
    for (const headers of [undefined, { 'x-hub-signature-256': mac(made.secret, '{"again":1}'), 'x-github-delivery': 'one-1' }]) {
      await sql('delete from webhook_payloads where webhook_id = $1', [made.id]);
      const before = (await tasks()).length;
      const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => post(made, '{"again":1}', headers, index % 2 === 0 ? plane : second)));
      expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size).toBe(1);
      await eventually(async () => (await payloadsOf(made))[0]?.status === 'done');
      expect([(await payloadsOf(made)).length, (await tasks()).length - before]).toEqual([1, 1]);
    }
  });

  it('is known by its id when its body differs, and by its body for the window when it has none', async () => {
    const made = await endpoint({ replay_seconds: 60 });
    const github = (body: string): Promise<ApiResponse<Receipt>> => post(made, body, { 'x-hub-signature-256': mac(made.secret, body), 'x-github-delivery': 'same' });
    const first = await github('{"a":1}');
    expect((await github('{"a":2}')).body).toEqual(first.body);
    const plain = await post(made, '{"b":1}');
    expect((await post(made, '{"b":1}')).body).toEqual(plain.body);
    await sql(`update webhook_payloads set received_at = received_at - interval '61 seconds' where id = $1`, [plain.body.id]);
    expect((await post(made, '{"b":1}')).body.id).not.toBe(plain.body.id);
  });

  it('that Stripe and Slack send again, signed anew, makes no second task', async () => {
    const made = await endpoint();
    const now = Math.floor(Date.now() / 1000);
    const hex = (text: string): string => createHmac('sha256', made.secret).update(text).digest('hex');
    const stripe = (body: string, at: number): Promise<ApiResponse<Receipt>> => post(made, body, { 'stripe-signature': `t=${at},v1=${hex(`${at}.${body}`)}` });
    const slack = (body: string, at: number, more: Record<string, string> = {}): Promise<ApiResponse<Receipt>> => post(made, body, { 'x-slack-request-timestamp': String(at), 'x-slack-signature': `v0=${hex(`v0:${at}:${body}`)}`, ...more });
    const [charge, message, command] = ['{"id":"evt_1","object":"event"}', '{"type":"event_callback","event_id":"Ev1"}', 'command=%2Fdeploy'];
    const firsts = [await stripe(charge, now - 120), await slack(message, now - 120), await slack(command, now - 120)];
    const again = [await stripe(charge, now), await slack(message, now, { 'x-slack-retry-num': '1', 'x-slack-retry-reason': 'http_timeout' }), await slack(command, now, { 'x-slack-retry-num': '1' })];
    expect(again.map(({ body }) => body)).toEqual(firsts.map(({ body }) => body));
    // What names nothing, and is not said to be sent again, is another message.
    expect((await slack(command, now - 1)).body.id).not.toBe(firsts[2]?.body.id);
    await eventually(async () => (await payloadsOf(made)).every(({ status }) => status === 'done'));
    expect(await tasks()).toHaveLength(4);
  });
});

describe('whoever does not know the secret', () => {
  it('learns nothing: no endpoint, a disabled one, a suspended tenant and a wrong or old signature look alike', async () => {
    const [made, disabled] = [await endpoint(), await endpoint()];
    await ok(call('PATCH', `/webhooks/${disabled.id}`, { is_enabled: false }, second));
    const seconds = Math.floor(Date.now() / 1000) - 301;
    const old = { 'stripe-signature': `t=${seconds},v1=${createHmac('sha256', made.secret).update(`${seconds}.{}`).digest('hex')}` };
    const answers = [
      await post({ ...made, url: '/webhook/nothing-here' }, '{}'), await post(disabled, '{}'), await post(made, '{}', {}), await post(made, '{}', { 'x-signature': mac('another secret', '{}') }),
      await post(made, '{}', old), await post(made, '{"x":1}', { 'x-signature': mac(made.secret, '{}') }),
    ];
    await ok(call('POST', `/tenants/${admin.tenantId}/suspend`, { reason: 'test' }, second, ADMIN_TOKEN));
    answers.push(await post(made, '{}'));
    expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify({ ...body, request_id: '' })}`)).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 401, body: { code: 'webhook_refused' } });
    expect((await sql('select 1 from webhook_payloads where tenant_id = $1', [admin.tenantId])).length).toBe(0);
  });

  it('leaves one row in the audit log, however often it tries', async () => {
    const made = await endpoint();
    for (let index = 0; index < 30; index += 1) await post(made, '{}', { 'x-signature': 'sha256=00' });
    const { items } = await ok(call<{ items: { action: string; detail: object }[] }>('GET', `/admin/audit?resource_type=webhook&resource_id=${made.id}&action=webhook.refused`));
    expect(items.map(({ detail }) => detail)).toEqual([{ reason: 'wrong_signature', others_before: 0 }]);
  });

  it('is refused with the old secret once a rotation has no overlap, and with one works with both', async () => {
    const made = await endpoint();
    const rotated = await ok(call<Endpoint>('POST', `/webhooks/${made.id}/rotate-secret`, { overlap_seconds: 600 }, second));
    expect([(await post(made, '{"r":1}')).status, (await post(rotated, '{"r":2}')).status]).toEqual([202, 202]);
    const third = await ok(call<Endpoint>('POST', `/webhooks/${made.id}/rotate-secret`, { overlap_seconds: 0 }, second));
    expect([(await post(made, '{"r":3}')).status, (await post(rotated, '{"r":4}')).status, (await post(third, '{"r":5}')).status]).toEqual([401, 401, 202]);
    await ok(call('DELETE', `/webhooks/${made.id}`, undefined, second));
    expect((await post(third, '{"r":6}')).status).toBe(401);
  });

  it('is refused with the old secret from the moment on that its overlap ends', async () => {
    const made = await endpoint();
    const begun = Date.now();
    await ok(call('POST', `/webhooks/${made.id}/rotate-secret`, { overlap_seconds: 1 }, second));
    const [{ until } = { until: new Date(0) }] = await sql<{ until: Date }>('select previous_secret_until as until from webhooks where id = $1', [made.id]);
    // Both processes know both secrets from now on.
    for (const on of [plane, second]) expect((await post(made, `{"first":"${on.url}"}`, undefined, on)).status).toBe(202);
    const taken: number[] = [];
    await eventually(async () => {
      const { status, body } = await post(made, `{"n":${taken.length}}`, undefined, taken.length % 2 === 0 ? plane : second);
      if (status === 202) taken.push(new Date(body.received_at).getTime());
      return status === 401;
    });
    expect(taken.length).toBeGreaterThan(1);
    expect(Math.max(...taken)).toBeLessThan(until.getTime() + 50);
    expect(Date.now() - begun).toBeGreaterThan(900);
  });

  it('and sends too much, or too often, is stopped before that is read', async () => {
    const made = await endpoint();
    const large = Buffer.alloc(1_048_577, 0x61);
    expect((await post(made, large.subarray(1))).status).toBe(202);
    // Says that it will send a gigabyte, sends nothing of it, and has its answer.
    expect(await answerTo(made.url, { 'content-length': '1000000000' })).toBe(413);
    // Says nothing of its length, and never ends.
    expect(await answerTo(made.url, { 'transfer-encoding': 'chunked' }, large)).toBe(413);
    const compressed = await post(made, '{}', { 'content-encoding': 'gzip', 'x-signature': mac(made.secret, '{}') });
    expect(compressed).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
    const from = { 'x-forwarded-for': someAddress(), 'x-signature': 'sha256=00' };
    const answers = await Promise.all(Array.from({ length: 61 }, () => post(made, '{}', from)));
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(1);
    expect(answers.find(({ status }) => status === 429)?.headers.get('retry-after')).toMatch(/^\d+$/);
  });
});

function answerTo(path: string, headers: Record<string, string>, begin?: Buffer): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(plane.url + path, { method: 'POST', headers: { 'x-forwarded-for': someAddress(), ...headers } }, (response) => {
      resolve(response.statusCode);
      request.destroy();
    });
    request.on('error', reject);
    request.flushHeaders();
    if (begin) request.write(begin);
  });
}
