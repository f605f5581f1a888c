import { Config, loadConfig } from '../../src/platform/config/config.js';
import { migrate } from '../../src/platform/database/migrator.js';
import { sealed } from '../support/audit-bundles.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_TOKEN, startPlane } from '../support/plane.js';

interface Logged {
  id: string;
  tx: string;
}

/**
 * A dump brings the transaction ids of the cluster it was taken in. To the database it makes no difference whether it
 * has come to another cluster or its record says that it was made in another one.
 */
describe('a database that was restored into another cluster', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  const ask = <T extends object>(text: string) => withAdmin(async (admin) => (await admin.query<T>(text)).rows, database.name);
  const log = () => ask<Logged>('select id, tx::text from events order by events.tx, events.seq');
  const positions = () => ask<{ name: string; tx: string }>('select name, tx::text from event_consumers order by name');
  const start = () => migrate(new Config(loadConfig({ DATABASE_URL: database.url }).settings));

  it('puts the old events before all new ones, once, and goes on where its consumers were', async () => {
    const plane = await startPlane({ database });
    const action = { type: 'send_notification', config: { title: 'Made', to: { roles: ['admin'] } } };
    const trigger = await plane.request<{ id: string }>('POST', '/api/v1/triggers', { token: ADMIN_TOKEN, body: { name: 'Of tasks', type: 'event', config: { event: 'task.created' }, action } });
    const made = await plane.request<{ id: string }>('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title: 'First' } });
    const waiting = await plane.request<{ id: string }>('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title: 'Second', depends_on: [made.body.id] } });
    const fired = async () => (await ask<{ task: string }>(`select event->'data'->>'task_id' as task from trigger_firings where trigger_id = '${trigger.body.id}' and status = 'fired' order by id`)).map(({ task }) => task);
    await eventually(async () => (await fired()).length === 2);
    await eventually(async () => {
      const end = (await log()).at(-1)?.tx;
      return (await positions()).every(({ tx }) => tx === end);
    });
    await plane.stop();

    // Ids that the new cluster will not reach for a long time: unmoved, the log would seem to end here.
    await ask(`update events set tx = tx + 4000000000`);
    await ask(`update event_consumers set tx = tx + 4000000000`);
    await ask(`update trigger_states set tx = tx + 4000000000`);
    await ask('alter table audit_log disable trigger insert_only');
    await ask('update audit_log set tx = tx + 4000000000');
    await ask('alter table audit_log enable always trigger insert_only');
    await ask('update audit_sequencer set tx = tx + 4000000000');
    await ask(`update installation set system_identifier = '1'`);
    const before = await log();
    const followed = await positions();
    const highest = [...before, ...followed].map(({ tx }) => BigInt(tx)).reduce((one, other) => (one > other ? one : other));
    expect(await start()).toBe(0);
    const after = await log();
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(after.every(({ tx }) => BigInt(tx) < 0n)).toBe(true);
    // What had not heard of the last ones when the old cluster stopped still has to.
    expect(await positions()).toEqual(followed.map(({ name, tx }) => ({ name, tx: String(BigInt(tx) - highest - 1n) })));
    expect(await start()).toBe(0);
    expect(await log()).toEqual(after);

    const restored = await startPlane({ database });
    try {
      const agent = await restored.request<{ token: string }>('POST', '/api/v1/agents', { token: ADMIN_TOKEN, body: { name: 'after the restore' } });
      const token = agent.body.token;
      const claimed = await restored.request<{ items: { task: { id: string }; lease: { fence: number } }[] }>('POST', '/api/v1/agent/tasks/claim', { token, body: {} });
      expect(claimed.body.items.map(({ task }) => task.id)).toEqual([made.body.id]);
      await restored.request('POST', `/api/v1/agent/tasks/${made.body.id}/complete`, { token, body: { fence: claimed.body.items[0]?.lease.fence } });
      // A stream's client comes back with the place where it was in the other cluster.
      const stream = await fetch(`${restored.url}/api/v1/tasks/stream`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'last-event-id': '4000000999-1' } });
      const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
      // The consumer that frees what waited follows the log past the restore.
      await eventually(async () => (await restored.request('GET', `/api/v1/tasks/${waiting.body.id}`, { token: ADMIN_TOKEN })).body['status'] === 'queued');
      let streamed = '';
      while (!streamed.includes(waiting.body.id)) streamed += Buffer.from((await reader.read()).value ?? []).toString();
      await reader.cancel();
      // A trigger hears of what happens now, and of nothing again.
      const third = await restored.request<{ id: string }>('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title: 'Third' } });
      await eventually(async () => (await fired()).length > 2);
      expect(await fired()).toEqual([made.body.id, waiting.body.id, third.body.id]);
      // The audit log goes on behind the rows that were brought along, whatever their transactions were.
      expect(await sealed(restored, ADMIN_TOKEN)).toMatchObject({ ok: true, waiting: 0, finding: null });
    } finally {
      await restored.stop();
    }
  });
});
