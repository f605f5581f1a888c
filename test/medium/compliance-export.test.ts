import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { TenantDatabase } from '../../src/platform/database/tenant-database.js';
import { AuditHistoryRepository } from '../../src/safeguards/audit/audit-history.repository.js';
import { AuditLogRepository } from '../../src/safeguards/audit/audit-log.repository.js';
import { PAGE_BYTES } from '../../src/safeguards/audit/page-of-bytes.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createTenant, createUser, type SignedIn } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';

const ROWS = 100_000;
const MB = 1024 * 1024;
const NOTE = 'x'.repeat(200);

const AUDIT = `insert into audit_log (tenant_id, id, actor_kind, actor_id, actor_label, action, outcome, resource_type, resource_id, content, salt, content_hash, occurred_at)
  select $1, gen_random_uuid(), 'system', 'test', 'test', 'test.row', 'done', 'mark', $2,
    convert_to(jsonb_build_object('actor_label', 'test', 'ip', null, 'user_agent', null, 'before', null, 'after', null, 'detail', jsonb_build_object('note', '${NOTE}', 'mark', $2::text))::text, 'UTF8'),
    '\\x00', '\\x00', timestamptz '2026-01-01' + n / 7 * interval '1 millisecond' from generate_series(1, $3) n`;
const EVENTS = `insert into events (id, tenant_id, name, data, occurred_at)
  select gen_random_uuid(), $1, 'test.row', jsonb_build_object('note', '${NOTE}', 'mark', $2::text), timestamptz '2026-01-01' + n * interval '1 millisecond' from generate_series(1, $3) n`;

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use once what is used no more has been taken away, in the heap and in buffers. */
function inUse(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('an export of a big table', () => {
  let plane: Plane;
  let own: SignedIn;
  beforeAll(async () => {
    // Without the process's jobs: what is measured is the export alone.
    plane = await startPlane({ environment: { PROCESS_ROLE: 'api' } });
    const [tenant, foreign] = [await createTenant(plane), await createTenant(plane)];
    own = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    await withAdmin(async (client) => {
      for (const insert of [AUDIT, EVENTS]) {
        await client.query(insert, [foreign.id, 'foreign', 1_000]);
        await client.query(insert, [tenant.id, 'own', ROWS]);
        await client.query(insert, [foreign.id, 'foreign', 1_000]);
      }
      await client.query('analyze audit_log, events');
    }, plane.database.name);
  }, 240_000);
  afterAll(() => plane.stop());

  async function open(query: string): Promise<IncomingMessage> {
    const request = get(`${plane.url}/api/v1/compliance/export?${query}`, { headers: { authorization: `Bearer ${own.token}` } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    return response;
  }

  /** How many statements tenants' rows were asked with, from now on. */
  function countStatements(): { count(): number; settled(): Promise<number>; stop(): void } {
    const spy = jest.spyOn(plane.app.get(TenantDatabase), 'statement');
    const count = (): number => spy.mock.calls.length;
    let [last, times] = [-1, 0];
    const isSettled = (): boolean => {
      times = count() === last ? times + 1 : 0;
      last = count();
      return times >= 10;
    };
    return { count, settled: async () => eventually(() => Promise.resolve(isSettled())).then(count), stop: () => spy.mockRestore() };
  }

  it.each(['audit_log', 'events'])("of %s takes no more memory for more rows, and holds the caller's tenant's alone", async (type) => {
    const response = await open(`type=${type}&from=2026-01-01&to=2026-01-02`);
    let [lines, marks, bytes, looks, most, rest] = [0, 0, 0, 0, 0, ''];
    let first = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      const text = rest + chunk.toString('latin1');
      const end = text.lastIndexOf('\r\n') + 2;
      rest = text.slice(end);
      const whole = text.slice(0, end);
      lines += whole.split('\r\n').length - 1;
      marks += whole.split('""mark"":""own""').length - 1;
      expect(whole.includes('foreign')).toBe(false);
      if (bytes <= (looks + 1) * 4 * MB) continue;
      looks += 1;
      const now = inUse();
      first ||= now;
      most = Math.max(most, now - first);
    }
    expect([lines, marks, rest]).toEqual([ROWS + 1, ROWS, '']);
    expect(bytes).toBeGreaterThan(30 * MB);
    expect(looks).toBeGreaterThanOrEqual(7);
    expect(most).toBeLessThan(12 * MB);
  }, 240_000);

  it('reads rows with large content a few at a time, each once: in exports, verifications and by the time', async () => {
    const [{ id }, count, size] = [await createTenant(plane), 60, 200_000];
    await withAdmin(async (client) => {
      await client.query(AUDIT.replaceAll(NOTE, NOTE.repeat(size / NOTE.length)), [id, 'large', count]);
      await client.query(`insert into audit_leaves (tenant_id, seq, row_id, leaf_hash) select tenant_id, row_number() over (order by occurred_at, id) - 1, id, '\\x00' from audit_log where tenant_id = $1`, [id]);
    }, plane.database.name);
    const [log, history] = [plane.app.get(AuditLogRepository), plane.app.get(AuditHistoryRepository)];
    const pages: { ids: string[]; bytes: number }[] = [];
    for (let next = 0; next < count; ) {
      const page = await log.leavesFrom(id, next, count, 500);
      pages.push({ ids: page.map((leaf) => leaf.row_id), bytes: page.reduce((sum, { stored }) => sum + (stored?.content?.length ?? 0), 0) });
      next = page.at(-1)!.seq + 1;
    }
    const to = new Date('2027-01-01');
    for (let page = await history.from(id, { to }, undefined, 500); page.length > 0; page = await history.from(id, { to }, page.at(-1), 500)) {
      pages.push({ ids: page.map((row) => row.id), bytes: page.reduce((sum, { content }) => sum + (content?.length ?? 0), 0) });
    }
    expect(pages.flatMap(({ ids }) => ids).length).toBe(2 * count);
    expect(new Set(pages.flatMap(({ ids }) => ids)).size).toBe(count);
    expect(Math.max(...pages.map(({ bytes }) => bytes))).toBeLessThan(PAGE_BYTES + 1.1 * size);
    expect(Math.min(...pages.slice(0, 5).map(({ ids }) => ids.length))).toBeGreaterThan(3);
  });

  it.each(['audit_log', 'events'])('of %s reads no further than its client does, and nothing for one who has gone', async (type) => {
    const statements = countStatements();
    try {
      const response = await open(`type=${type}`);
      const whileNobodyReads = await statements.settled();
      expect(whileNobodyReads).toBeLessThan(60);
      response.read(1);
      response.destroy();
      expect(await statements.settled()).toBeLessThan(60);
    } finally {
      statements.stop();
    }
  });
});
