/** The peer for workflows: DBOS, in this process, without HTTP. Each workflow is five steps, whose results it keeps. */
import { json } from 'node:stream/consumers';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { closedLoop } from '../loads.ts';

interface Order {
  url: string;
  seconds: number;
  clients: number;
}

const { url, seconds, clients } = (await json(process.stdin)) as Order;
const FIVE = [1, 2, 3, 4, 5];
const five = DBOS.registerWorkflow(
  async (start: number): Promise<number> => {
    let sum = start;
    for (const n of FIVE) sum = await DBOS.runStep(() => Promise.resolve(sum + n), { name: `add ${n}` });
    return sum;
  },
  { name: 'five' },
);
// What it logs must not go to stdout, where the answer goes.
console.info = console.error;
DBOS.setConfig({ name: 'bench', systemDatabaseUrl: url, systemDatabasePoolSize: 16, logLevel: 'error' });
await DBOS.launch();
const measured = await closedLoop(
  { clients: Array.from({ length: clients }, () => ({})), seconds },
  async (_headers, count) => {
    const handle = await DBOS.startWorkflow(five)(count);
    return (await handle.getResult()) === count + 15;
  },
  1,
);
await DBOS.shutdown();
process.stdout.write(`${JSON.stringify(measured)}\n`);
process.exit(0);
