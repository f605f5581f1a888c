import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LocalMasterKey } from '../../src/platform/crypto/master-key.js';
import { TenantCipher } from '../../src/platform/crypto/tenant-cipher.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { createTenant } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';

const TOKEN = 'kms-token-of-the-test';

/** A key service as the transit engine answers: the key stays in it. */
class KeyService {
  readonly asked: string[] = [];
  down = false;
  private readonly key = new LocalMasterKey(Buffer.alloc(32, 'kms'));
  private readonly server: Server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { status, body } = await this.answer(request.url ?? '', request.headers['x-vault-token'], JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    })();
  });

  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async answer(url: string, token: unknown, body: Record<string, string>): Promise<{ status: number; body: object }> {
    this.asked.push(url);
    if (this.down) return { status: 503, body: { errors: ['sealed'] } };
    if (token !== TOKEN) return { status: 403, body: { errors: ['permission denied'] } };
    const about = Buffer.from(body['associated_data'] ?? '', 'base64').toString();
    try {
      if (url === '/v1/transit/encrypt/wheelhouse') return { status: 200, body: { data: { ciphertext: `vault:v1:${(await this.key.wrap(Buffer.from(body['plaintext'] ?? '', 'base64'), about)).toString('base64')}` } } };
      if (url === '/v1/transit/decrypt/wheelhouse') return { status: 200, body: { data: { plaintext: (await this.key.unwrap(Buffer.from((body['ciphertext'] ?? '').replace('vault:v1:', ''), 'base64'), about)).toString('base64') } } };
    } catch {
      return { status: 400, body: { errors: ['cipher: message authentication failed'] } };
    }
    return { status: 404, body: { errors: [] } };
  }
}

describe('a key service', () => {
  const service = new KeyService();
  let plane: Plane;
  let environment: Record<string, string>;
  beforeAll(async () => {
    const url = await service.start();
    environment = { KMS_URL: url, KMS_TOKEN: TOKEN, EGRESS_ALLOW: '127.0.0.1' };
    plane = await startPlane({ environment });
  });
  afterAll(async () => {
    await plane.stop();
    await service.stop();
  });

  it('wraps the keys of tenants, and holds what wraps them; without it nothing opens that is not open yet', async () => {
    const place = { tenantId: (await createTenant(plane)).id, row: 'a_table/1/text' };
    const sealed = await plane.app.get(TenantCipher).seal(place, 'text');
    const rows = await plane.app.get(SystemDatabase).query<{ wrapped: Buffer; master_key_id: string }>('select wrapped, master_key_id from tenant_keys where tenant_id = $1', [place.tenantId]);
    expect(rows.map(({ wrapped, master_key_id }) => [wrapped.toString().slice(0, 9), master_key_id])).toEqual([['vault:v1:', 'kms:wheelhouse']]);
    service.down = true;
    const other = await startPlane({ database: plane.database, environment });
    await expect(other.app.get(TenantCipher).open(place, sealed)).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    service.down = false;
    expect(await other.app.get(TenantCipher).open(place, sealed)).toBe('text');
    const asked = service.asked.length;
    for (let index = 0; index < 20; index += 1) await other.app.get(TenantCipher).open(place, sealed);
    expect(service.asked.length).toBe(asked);
    await other.stop();
  });

  it('is the only way: a plane with a key of its own does not start on that database', async () => {
    await expect(startPlane({ database: plane.database })).rejects.toThrow(/wrapped under another master key \(kms:wheelhouse; given is local:/);
  });
});
