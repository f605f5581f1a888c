import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { postBarely } from './child.ts';
import { inPairs, type Row } from './in-pairs.ts';
import type { BenchOptions } from './options.ts';
import { type Measurement, summarise } from './stats.ts';
import type { World } from './world.ts';

/** What sending to webhooks costs. */
export const WEBHOOK_MEASURES: Record<string, (world: World, options: BenchOptions) => Promise<Row[]>> = { webhooks };

/** Under way at once, ours and theirs. */
const CONCURRENT = 32;
const EVENTS_PER_SECOND = 1_000;
/** A run that takes this many times as long as it should has failed. */
const PATIENCE = 20;
const SINGLES = 200;
const SINGLE_EVERY_MS = 25;

/** A receiver in this process, which has little else to do. */
class Receiver {
  count = 0;
  first = 0;
  last = 0;
  readonly arrivals = new Map<string, number>();
  private readonly server = createServer((request, response) => {
    void text(request).then((body) => {
      this.last = performance.now();
      if (this.count === 0) this.first = this.last;
      this.count += 1;
      if (request.url === '/single') this.arrivals.set((JSON.parse(body) as { data: { task_id: string } }).data.task_id, this.last);
      response.end('ok');
    });
  });

  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Counts what arrives while `work` is done, until there are so many. */
  async during(wanted: number, seconds: number, work: () => Promise<unknown>): Promise<Measurement> {
    this.count = 0;
    const deadline = performance.now() + seconds * PATIENCE * 1_000;
    await work();
    while (this.count < wanted && performance.now() < deadline) await sleep(20);
    return { perSecond: this.count / ((this.last - this.first) / 1_000), p50: NaN, p99: NaN, errors: Math.max(0, wanted - this.count) };
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** From the event log to the receiver: stored, signed, sent past every check, and noted; beside a loop that posts the same bytes and does nothing else. */
async function webhooks(world: World, options: BenchOptions): Promise<Row[]> {
  const receiver = new Receiver();
  const url = await receiver.start();
  const headers = await world.signIn();
  try {
    const hook = await subscribe(world, headers, `${url}/many`, 'agent.deleted');
    const count = options.seconds * EVENTS_PER_SECOND;
    const ours = (): Promise<Measurement> => receiver.during(count, options.seconds, () => addEvents(world, count));
    const bare = (): Promise<Measurement> => receiver.during(count, options.seconds, () => postBarely({ url: `${url}/many`, count, concurrent: CONCURRENT }));
    await receiver.during(CONCURRENT, options.seconds, () => addEvents(world, CONCURRENT));
    const row = await inPairs('deliver an event to a webhook', 'deliveries/s', 'a loop of undici posts', options.rounds, ours, bare);
    await world.send('DELETE', `/api/v1/webhooks/${hook}`, undefined, headers);
    const { p50: _p50, p99: _p99, ...rates } = row;
    return [rates, await single(world, receiver, headers, url)];
  } finally {
    receiver.stop();
  }
}

/** One event at a time: from before the request that makes a task to the message about it. */
async function single(world: World, receiver: Receiver, headers: Record<string, string>, url: string): Promise<Row> {
  const hook = await subscribe(world, headers, `${url}/single`, 'task.created');
  const begun = new Map<string, number>();
  for (let index = 0; index < SINGLES; index += 1) {
    const start = performance.now();
    const { id } = (await (await world.send('POST', '/api/v1/tasks', { title: 'One' })).json()) as { id: string };
    begun.set(id, start);
    await sleep(SINGLE_EVERY_MS);
  }
  for (let tries = 0; tries < 250 && receiver.arrivals.size < SINGLES; tries += 1) await sleep(20);
  await world.send('DELETE', `/api/v1/webhooks/${hook}`, undefined, headers);
  const latencies = [...receiver.arrivals].map(([id, at]) => at - (begun.get(id) ?? at));
  const { p50, p99, errors } = summarise(latencies, 1, SINGLES - receiver.arrivals.size);
  return { what: 'a new task reaches a webhook', unit: 'ms (p50)', ours: p50, p50, p99, errors };
}

async function subscribe(world: World, headers: Record<string, string>, url: string, event: string): Promise<string> {
  const response = await world.send('POST', '/api/v1/webhooks', { url, events: [event], max_concurrent: CONCURRENT }, headers);
  return ((await response.json()) as { id: string }).id;
}

/** Straight into the log, as one transaction of a busy moment. */
async function addEvents(world: World, count: number): Promise<void> {
  await world.admin(
    'wheelhouse',
    `insert into events (id, tenant_id, name, data) select uuidv7(), tenant.id, 'agent.deleted', '{"agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00"}' from generate_series(1, ${count}), (select id from tenants order by created_at, id limit 1) tenant`,
  );
}
