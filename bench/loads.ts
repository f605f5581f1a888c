import { Pool } from 'undici';
import { type Measurement, summarise } from './stats.ts';

/** What the load generator is told to do. */
export interface Load {
  kind: 'create' | 'read' | 'list' | 'get' | 'login' | 'reveal' | 'claim' | 'claim-batch' | 'wake-up' | 'start-run';
  url: string;
  /** The headers of each client; there are as many clients as entries. */
  clients: Record<string, string>[];
  seconds: number;
  /** Path of the collection, like /api/v1/tasks. */
  path: string;
  /** For reading: ids to choose from. */
  ids?: string[];
  /** For getting: what to ask for, and as whom. */
  targets?: Target[];
  /** For signing in. */
  account?: { email: string; password: string };
  /** For waking up: headers of the one who makes tasks. */
  maker?: Record<string, string>;
}

export interface Target {
  path: string;
  headers: Record<string, string>;
}

const WARM_UP_MS = 1_000;
const BATCH = 50;

interface Answer {
  status: number;
  text: string;
}
type Send = (method: 'GET' | 'POST', path: string, headers: Record<string, string>, body?: object) => Promise<Answer>;

/** Runs one load in this process. */
export async function runLoad(load: Load): Promise<Measurement> {
  const pool = new Pool(load.url, { connections: load.clients.length + 1, pipelining: 1 });
  const send: Send = async (method, path, headers, body) => {
    const response = await pool.request({
      method,
      path,
      headers: body ? { ...headers, 'content-type': 'application/json' } : headers,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: response.statusCode, text: await response.body.text() };
  };
  try {
    if (load.kind === 'wake-up') return await wakeUp(load, send);
    return await closedLoop(load, stepOf(load, send), load.kind === 'claim-batch' ? BATCH : 1);
  } finally {
    await pool.close();
  }
}

/** One thing done by one client. @returns whether it went well */
type Step = (headers: Record<string, string>, count: number) => Promise<boolean>;

function stepOf(load: Load, send: Send): Step {
  const { path, ids = [] } = load;
  switch (load.kind) {
    case 'create':
      return async (headers, count) =>
        (await send('POST', path, headers, { title: `Task ${count}`, payload: { n: count } })).status === 201;
    case 'read':
      return async (headers, count) => (await send('GET', `${path}/${ids[(count * 7919) % ids.length]}`, headers)).status === 200;
    case 'list':
      return async (headers) => (await send('GET', `${path}${path.includes('?') ? '&' : '?'}limit=50`, headers)).status === 200;
    case 'get':
      return async (_headers, count) => {
        const target = targetOf(load, count);
        return (await send('GET', target.path, target.headers)).status === 200;
      };
    case 'login':
      return async (_headers, count) => (await send('POST', path, { 'x-forwarded-for': addressOf(count) }, load.account)).status === 200;
    case 'reveal':
      return async (headers, count) => (await send('POST', `${path}/${ids[count % ids.length]}/reveal`, headers, { reason: 'bench' })).status === 200;
    case 'start-run':
      return async (headers) => (await send('POST', path, headers, {})).status === 202;
    case 'claim':
      return (headers) => claimOne(send, path, headers);
    case 'claim-batch':
      return (headers) => claimMany(send, path, headers);
    default:
      throw new Error(`no step for ${load.kind}`);
  }
}

/** A different one each time, in no order that a table or a cache would like. */
function targetOf({ targets = [] }: Load, count: number): Target {
  const target = targets[(count * 7919) % targets.length];
  if (!target) throw new Error('there is nothing to get');
  return target;
}

/** Sign-ins are limited by address (the range is that of RFC 2544). */
const addressOf = (count: number): string => `198.18.${(count >> 8) & 255}.${count & 255}`;

interface Claimed {
  items: { task: { id: string }; lease: { fence: number } }[];
}

async function claimOne(send: Send, path: string, headers: Record<string, string>): Promise<boolean> {
  const claim = await send('POST', `${path}/claim`, headers, { max: 1 });
  const item = claim.status === 200 ? (JSON.parse(claim.text) as Claimed).items[0] : undefined;
  if (!item) return false;
  const done = await send('POST', `${path}/${item.task.id}/complete`, headers, { fence: item.lease.fence, result: { ok: true } });
  return done.status === 200;
}

async function claimMany(send: Send, path: string, headers: Record<string, string>): Promise<boolean> {
  const claim = await send('POST', `${path}/claim`, headers, { max: BATCH });
  if (claim.status !== 200) return false;
  const { items } = JSON.parse(claim.text) as Claimed;
  if (items.length < BATCH) return false;
  const done = await send('POST', `${path}/complete`, headers, {
    items: items.map(({ task, lease }) => ({ id: task.id, fence: lease.fence, result: { ok: true } })),
  });
  return done.status === 200 && (JSON.parse(done.text) as { items: { ok: boolean }[] }).items.every(({ ok }) => ok);
}

/** Every client does the next thing as soon as its last one is done. */
export async function closedLoop(load: Pick<Load, 'clients' | 'seconds'>, step: Step, each: number): Promise<Measurement> {
  const latencies: number[] = [];
  let errors = 0;
  let count = 0;
  const warm = performance.now() + WARM_UP_MS;
  const end = warm + load.seconds * 1000;
  await Promise.all(
    load.clients.map(async (headers) => {
      for (let begun = performance.now(); begun < end; begun = performance.now()) {
        const ok = await step(headers, count++);
        const done = performance.now();
        if (begun < warm || done > end) continue;
        if (ok) latencies.push(done - begun);
        else errors += 1;
      }
    }),
  );
  return summarise(latencies, load.seconds, errors, each);
}

/** One agent waits, then a task is made: from sending it to the agent having it. The agent completes it before the next. */
async function wakeUp(load: Load, send: Send): Promise<Measurement> {
  const latencies: number[] = [];
  let errors = 0;
  const [agent] = load.clients;
  if (!agent || !load.maker) throw new Error('an agent and a maker are needed');
  const begun = performance.now();
  while (performance.now() - begun < load.seconds * 1000) {
    let arrived = 0;
    const waiting = send('POST', `${load.path}/claim`, agent, { max: 1, wait_seconds: 10 }).then((answer) => {
      arrived = performance.now();
      return answer;
    });
    // Long enough for the agent to wait, and not always the same, so that no timer of the plane is in step with it.
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 60));
    const sent = performance.now();
    await send('POST', '/api/v1/tasks', load.maker, { title: 'Wake up' });
    const claim = await waiting;
    const item = claim.status === 200 ? (JSON.parse(claim.text) as Claimed).items[0] : undefined;
    if (!item) errors += 1;
    else {
      latencies.push(arrived - sent);
      await send('POST', `${load.path}/${item.task.id}/complete`, agent, { fence: item.lease.fence });
    }
  }
  return summarise(latencies, load.seconds, errors);
}
