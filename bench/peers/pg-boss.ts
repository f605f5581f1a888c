/** The peer for claiming: pg-boss, in this process, without HTTP. */
import { json } from 'node:stream/consumers';
import { PgBoss } from 'pg-boss';
import { closedLoop } from '../loads.ts';

interface Order {
  url: string;
  seconds: number;
  clients: number;
  batch: number;
  jobs: number;
}

const QUEUE = 'bench';
const { url, seconds, clients, batch, jobs } = (await json(process.stdin)) as Order;
const boss = new PgBoss({ connectionString: url, max: 16, supervise: false, schedule: false });
boss.on('error', (error) => console.error(error.message));
await boss.start();
await boss.createQueue(QUEUE);
for (let made = 0; made < jobs; made += 1_000) {
  await boss.insert(
    QUEUE,
    Array.from({ length: 1_000 }, (_, index) => ({ data: { n: made + index } })),
  );
}
const measured = await closedLoop(
  { clients: Array.from({ length: clients }, () => ({})), seconds },
  async () => {
    const found = await boss.fetch(QUEUE, { batchSize: batch });
    if (found.length < batch) return false;
    await boss.complete(
      QUEUE,
      found.map(({ id }) => id),
      { ok: true },
    );
    return true;
  },
  batch,
);
await boss.deleteAllJobs(QUEUE);
await boss.stop({ graceful: false });
console.log(JSON.stringify(measured));
