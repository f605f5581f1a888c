import { createHmac } from 'node:crypto';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createAgent, ok, someAddress } from '../support/factories.js';
import { type Environment, Launcher, type Program } from '../support/processes.js';
import { ADMIN_TOKEN, JWT_SECRET, type RunningPlane } from '../support/requests.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

/** Processes of the built program on one database, some of which are killed in the midst of their work. */
describe('webhooks, when processes are killed', () => {
  const launcher = new Launcher();
  let receiver: WebhookReceiver;
  let database: TestDatabase;
  let environment: Environment;
  let first: Program;
  let second: Program;
  let api: Program;

  const start = (more: Environment = {}): Promise<Program> => launcher.start({ ...environment, ...more }).ready();
  const post = <T>(program: Program, path: string, body: object): Promise<T> => ok(program.request<T>('POST', `/api/v1${path}`, { token: ADMIN_TOKEN, body }));
  const sql = async <T extends object>(statement: string, values: unknown[] = []): Promise<T[]> => withAdmin(async (client) => (await client.query(statement, values)).rows as T[], database.name);
  /** As if the lease of the dead had ended by itself. */
  const endLeases = (): Promise<unknown> => sql(`update webhook_lanes set lease_until = now() - interval '1 second', wake_at = now() where lease_until is not null`);

  beforeAll(async () => {
    receiver = await new WebhookReceiver().start();
    database = await createDatabase();
    environment = { DATABASE_URL: database.url, DATABASE_POOL: '8', WHEELHOUSE_DATA: await launcher.dataFolder(), ADMIN_TOKEN, JWT_SECRET, EGRESS_ALLOW: '127.0.0.1', TRUST_PROXY: 'loopback' };
    [first, second, api] = await Promise.all([start(), start(), start({ PROCESS_ROLE: 'api' })]);
  }, 90_000);
  afterAll(async () => {
    await launcher.clear();
    await receiver.stop();
    await database.drop();
  });

  it('lose no message: what the dead had under way another sends, under the same id, and what it had noted it sends no more', async () => {
    let answering = 0;
    // Half of the first ones are answered; the others hang when their sender dies.
    receiver.answer('/killed', (_message, response) => {
      answering += 1;
      if (answering > 40 && answering <= 44) return;
      response.end('ok');
    });
    const { id } = await post<{ id: string }>(first, '/webhooks', { url: `${receiver.url}/killed`, events: ['task.created'] });
    for (let n = 0; n < 80; n += 1) await post(n % 2 === 0 ? first : second, `/webhooks/${id}/deliveries`, { type: 'test.message', data: { n } });
    await eventually(() => answering === 44);
    await eventually(async () => (await sql(`select 1 from webhook_deliveries where webhook_id = $1 and status = 'delivered'`, [id])).length >= 40);
    const delivered = new Set((await sql<{ id: string }>(`select id from webhook_deliveries where webhook_id = $1 and status = 'delivered'`, [id])).map((row) => row.id));
    const before = receiver.received.length;
    // Whichever of them holds the lane: both are killed, and another one goes on.
    await Promise.all([first.kill(), second.kill()]);
    const third = await start();
    await endLeases();
    await eventually(async () => (await sql(`select 1 from webhook_deliveries where webhook_id = $1 and status = 'delivered'`, [id])).length === 80, 20_000);
    const later = receiver.received.slice(before).map((message) => message.id);
    expect(later.filter((message) => delivered.has(message))).toEqual([]);
    expect(new Set(receiver.at('/killed').map(({ body }) => body.data['n'])).size).toBe(80);
    expect(new Set(receiver.at('/killed').map((message) => message.id)).size).toBe(80);
    await third.kill();
  }, 90_000);

  it('make one task of each payload that was answered, also when the process dies with the answer', async () => {
    // The API alone: nobody handles what comes in.
    const agent = await createAgent({ url: api.url, database, request: (method, path, options) => api.request(method, path, options), stop: () => api.kill() } satisfies RunningPlane);
    const { url, secret } = await post<{ url: string; secret: string }>(api, '/webhooks', { name: 'Killed', agent_id: agent.id });
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const body = JSON.stringify({ n });
        const response = await fetch(api.url + url, { method: 'POST', body, headers: { 'content-type': 'application/json', 'x-forwarded-for': someAddress(), 'x-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` } });
        return response.status;
      }),
    );
    await api.kill();
    expect(answers).toEqual(Array.from({ length: 20 }, () => 202));
    expect(await sql(`select 1 from tasks where title = 'Webhook: Killed'`)).toHaveLength(0);
    // Killed in the midst of making them, and begun again.
    const half = await start();
    await eventually(async () => (await sql(`select 1 from tasks where title = 'Webhook: Killed'`)).length > 0);
    await half.kill();
    await start();
    await eventually(async () => (await sql(`select 1 from webhook_payloads where status = 'done'`)).length === 20, 20_000);
    await sql(`update event_consumers set tx = 0, seq = 0 where name = 'webhook-inbox'`);
    const last = await sql<{ tx: string }>('select max(tx)::text as tx from events');
    await eventually(async () => (await sql(`select 1 from event_consumers where name = 'webhook-inbox' and tx >= $1::bigint`, [last[0]?.tx])).length === 1, 20_000);
    const made = await sql<{ n: number }>(`select (payload -> 'body' ->> 'n')::int as n from tasks where title = 'Webhook: Killed' order by 1`);
    expect(made.map(({ n }) => n)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  }, 90_000);
});
