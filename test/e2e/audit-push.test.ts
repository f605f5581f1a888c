import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCheckpoint, parseVerifierKey } from '../../src/core/audit/checkpoint.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { signedPut } from '../../src/safeguards/audit/aws-signature.js';
import { CheckpointPusher } from '../../src/safeguards/audit/checkpoint-pusher.js';
import { newestCheckpoint, sealed } from '../support/audit-bundles.js';
import { createTask, createTenant, createUser, ok, type SignedIn } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';

const S3 = { keyId: 'test-key-id', secret: 'test-secret-access-key', region: 'eu-test-1' };
const TOKEN = 'test-webhook-token-0123456789';

let server: Server;
let base: string;
let folder: string;
let plane: Plane;
let admin: SignedIn;
let answer = 200;
let received: { request: IncomingMessage; body: string }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push({ request, body });
      response.writeHead(answer).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-push-'));
  plane = await startPlane({
    environment: {
      TRUST_PROXY: 'loopback', EGRESS_ALLOW: '127.0.0.1', AUDIT_CHECKPOINT_FILE: join(folder, 'checkpoints'), AUDIT_CHECKPOINT_WEBHOOK: `${base}/hook`, AUDIT_CHECKPOINT_WEBHOOK_TOKEN: TOKEN,
      AUDIT_CHECKPOINT_S3_URL: `${base}/bucket/audit`, AUDIT_CHECKPOINT_S3_KEY_ID: S3.keyId, AUDIT_CHECKPOINT_S3_SECRET: S3.secret, AUDIT_CHECKPOINT_S3_REGION: S3.region,
    },
  });
});
afterAll(async () => {
  await plane.stop();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
  await sealed(plane, admin.token);
  [received, answer] = [[], 200];
});

const push = (): Promise<void> => plane.app.get(CheckpointPusher).push(new AbortController().signal);
const ofTenant = () => received.filter(({ body, request }) => body.includes(admin.tenantId) || request.url?.includes(admin.tenantId));

describe('checkpoints', () => {
  it('go to a file, a webhook and an object store, each once, and can be checked there', async () => {
    const { size, note } = await newestCheckpoint(plane, admin.token);
    const { keys } = await ok(plane.request<{ keys: string[] }>('GET', '/api/v1/audit/public-key', { token: admin.token }));
    await push();
    const lines = readFileSync(join(folder, 'checkpoints'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { tenant_id: string; size: number; checkpoint: string });
    const mine = lines.filter(({ tenant_id }) => tenant_id === admin.tenantId);
    expect(mine).toEqual([{ tenant_id: admin.tenantId, size, checkpoint: note }]);
    expect(openCheckpoint(mine[0]!.checkpoint, keys.map(parseVerifierKey))).toMatchObject({ size });
    const [hook, put] = ofTenant();
    expect([hook!.request.method, hook!.request.url, hook!.request.headers.authorization, JSON.parse(hook!.body)]).toEqual(['POST', '/hook', `Bearer ${TOKEN}`, mine[0]]);
    const path = `/bucket/audit/${admin.tenantId}/${String(size).padStart(16, '0')}.txt`;
    expect([put!.request.method, put!.request.url, put!.body]).toEqual(['PUT', path, note]);
    const time = String(put!.request.headers['x-amz-date']).replace(/(....)(..)(..T..)(..)(..Z)/, '$1-$2-$3:$4:$5');
    expect(put!.request.headers.authorization).toBe(signedPut(new URL(`${base}${path}`), note, S3, new Date(time), { 'content-type': 'text/plain; charset=utf-8' })['authorization']);
    received = [];
    await push();
    expect(ofTenant()).toEqual([]);
  });

  it('are tried again when a place does not take them, and it can be seen meanwhile', async () => {
    await createTask(plane, {}, admin.token);
    await sealed(plane, admin.token);
    answer = 503;
    await expect(push()).rejects.toThrow(/webhook: It was answered with status 503\. s3: /);
    const rows = await plane.app.get(SystemDatabase).query(`select target, failures, last_error from audit_pushes where tenant_id = $1 and failures > 0 order by target`, [admin.tenantId]);
    for (const row of rows) expect(row).toMatchObject({ failures: 1, last_error: 'It was answered with status 503.' });
    const metrics = await (await fetch(`${plane.url}/metrics`)).text();
    expect(metrics).toMatch(/wheelhouse_audit_failing_pushes\{target="webhook"\} [1-9]/);
    expect(metrics).toMatch(/wheelhouse_audit_failing_pushes\{target="file"\} 0/);
    expect(metrics).toMatch(/wheelhouse_audit_sealing_lag_seconds \d/);
    answer = 200;
    received = [];
    await push();
    expect(ofTenant().map(({ request }) => request.method)).toEqual(['POST', 'PUT']);
    expect(await plane.app.get(SystemDatabase).query(`select 1 from audit_pushes where failures > 0`)).toEqual([]);
  });

  it('need whole credentials for a store', () => {
    expect(() => loadConfig({ AUDIT_CHECKPOINT_S3_URL: 'https://bucket.example/x', AUDIT_CHECKPOINT_S3_KEY_ID: 'a' })).toThrow('AUDIT_CHECKPOINT_S3_SECRET: is required');
    expect(() => loadConfig({ AUDIT_CHECKPOINT_WEBHOK: 'https://hook.example' })).toThrow('AUDIT_CHECKPOINT_WEBHOK: is not a setting');
  });
});
