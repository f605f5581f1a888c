/** A loop that posts a small body so many times, some at once, and does nothing else: what sending costs by itself. */
import { json } from 'node:stream/consumers';
import { Pool } from 'undici';

const { url, count, concurrent } = (await json(process.stdin)) as { url: string; count: number; concurrent: number };
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: concurrent, pipelining: 1 });
const body = JSON.stringify({ id: '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00', type: 'agent.deleted', timestamp: '2026-01-31T09:30:00.000Z', data: { agent_id: '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00' } });
let left = count;
let errors = 0;

async function post(): Promise<void> {
  while (left > 0) {
    left -= 1;
    const answer = await pool.request({ method: 'POST', path: pathname, headers: { 'content-type': 'application/json' }, body });
    await answer.body.dump();
    if (answer.statusCode !== 200) errors += 1;
  }
}

const begun = performance.now();
await Promise.all(Array.from({ length: concurrent }, () => post()));
await pool.close();
console.log(JSON.stringify({ perSecond: count / ((performance.now() - begun) / 1_000), p50: NaN, p99: NaN, errors }));
