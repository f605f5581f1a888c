import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { positive, runCommand } from '../scripts/demo/command.ts';
import { insertAuditRows } from './audit-writer.ts';
import { percentile } from './stats.ts';
import { World } from './world.ts';

const USAGE = `usage: node bench/export.mjs [--rows N] [--only csv,bundle,verify] [--heap MB]

Fills the audit log, first with 100,000 rows and then with N (default 2,000,000), has them sealed, and reports for each way
over the whole log: how long it takes, the most memory that the process has meanwhile, and how long others wait for it.
With --heap the process has that much for its objects and no more: what grows with the log does not come to its end.`;

const SMALL = 100_000;
/** Rows per statement: one is a transaction, and the sequencer follows. */
const CHUNK = 50_000;
const WAYS = {
  csv: { name: 'compliance/export (CSV)', path: '/api/v1/compliance/export?type=audit_log' },
  bundle: { name: 'audit/export (bundle)', path: '/api/v1/audit/export' },
  verify: { name: 'audit/verify', path: '/api/v1/audit/verify' },
};
type Way = keyof typeof WAYS;

interface Options {
  rows: number;
  ways: Way[];
  /** Megabytes; undefined: as Node.js chooses. */
  heap: number | undefined;
}

interface Figures {
  way: string;
  rows: number;
  seconds: number;
  /** The most in the first and in the second half of the time: what grows with the log grows until its end. */
  megabytes: [number, number];
  bytes: number;
  waitP99: number;
  waitMost: number;
  status: number;
}

/** @returns the exit code: 0 when every way could be gone to its end */
export function main(argv: readonly string[]): Promise<number> {
  return runCommand(() => optionsOf(argv), USAGE, perform);
}

function optionsOf(argv: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: { rows: { type: 'string', default: '2000000' }, only: { type: 'string', default: Object.keys(WAYS).join(',') }, heap: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) return 'help';
  return { rows: positive('--rows', values.rows), ways: values.only.split(',').map(wayOf), heap: values.heap === undefined ? undefined : positive('--heap', values.heap) };
}

function wayOf(text: string): Way {
  if (!Object.hasOwn(WAYS, text)) throw new Error(`--only takes ${Object.keys(WAYS).join(', ')}, not ${text}`);
  return text as Way;
}

async function perform({ rows, ways, heap }: Options): Promise<number> {
  const world = new World();
  const figures: Figures[] = [];
  try {
    await world.start();
    let present = 0;
    for (const size of new Set([Math.min(SMALL, rows), rows])) {
      await fill(world, size - present);
      present = size;
      for (const way of ways) figures.push(await go(world, way, size, heap));
    }
  } finally {
    await world.stop();
  }
  print(figures);
  return figures.some(({ status }) => status !== 200) ? 1 : 0;
}

/** Waits for the sequencer, too. */
async function fill(world: World, count: number): Promise<void> {
  console.log(`writing ${count.toLocaleString('en')} rows ...`);
  for (let made = 0; made < count; made += CHUNK) await world.admin('wheelhouse', insertAuditRows(String(Math.min(CHUNK, count - made))));
  const begun = performance.now();
  for (;;) {
    const [left] = await world.admin<{ n: number }>('wheelhouse', 'select count(*)::int as n from (select 1 from audit_log r, audit_sequencer s where (r.tx, r.id) > (s.tx, s.id) limit 1) waiting');
    if (left?.n === 0) break;
    await sleep(250);
  }
  console.log(`all sealed ${((performance.now() - begun) / 1000).toFixed(1)} s after the last of them`);
  await world.settle();
}

/** One way over the log in a process that has done nothing before, while another client asks for something small all the time. */
async function go(world: World, way: Way, rows: number, heap: number | undefined): Promise<Figures> {
  const { name, path } = WAYS[way];
  console.log(`${name} of ${rows.toLocaleString('en')} rows ...`);
  const plane = await world.newPlane({ PROCESS_ROLE: 'api', ...(heap === undefined ? {} : { NODE_OPTIONS: `--max-old-space-size=${heap}` }) });
  await plane.start();
  const headers = await world.signIn();
  const watch = { isOver: false, megabytes: [] as number[], waits: [] as number[] };
  const watching = Promise.all([watchMemory(plane.pid ?? 0, watch), askAllTheTime(plane.url, watch)]);
  const begun = performance.now();
  const response = await fetch(plane.url + path, { headers });
  let bytes = 0;
  for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).byteLength;
  const seconds = (performance.now() - begun) / 1000;
  watch.isOver = true;
  await watching;
  await plane.stop();
  const sorted = watch.waits.sort((a, b) => a - b);
  return { way: name, rows, seconds, bytes, megabytes: halvesOf(watch.megabytes), waitP99: percentile(sorted, 0.99), waitMost: sorted.at(-1) ?? NaN, status: response.status };
}

async function watchMemory(pid: number, watch: { isOver: boolean; megabytes: number[] }): Promise<void> {
  while (!watch.isOver) {
    const kilobytes = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN);
    watch.megabytes.push(kilobytes / 1024);
    await sleep(50);
  }
}

function halvesOf(samples: readonly number[]): [number, number] {
  const middle = Math.floor(samples.length / 2);
  return [Math.max(...samples.slice(0, middle)), Math.max(...samples.slice(middle))];
}

async function askAllTheTime(url: string, watch: { isOver: boolean; waits: number[] }): Promise<void> {
  while (!watch.isOver) {
    const asked = performance.now();
    await (await fetch(`${url}/healthz`)).arrayBuffer();
    watch.waits.push(performance.now() - asked);
    await sleep(10);
  }
}

function print(figures: readonly Figures[]): void {
  console.log('\n| what | rows | status | s | MB read | peak RSS, MB: first half, second half | others wait, p99 ms | at most ms |\n|---|---|---|---|---|---|---|---|');
  for (const { way, rows, status, seconds, bytes, megabytes, waitP99, waitMost } of figures) {
    const cells = [way, rows.toLocaleString('en'), status, seconds.toFixed(1), (bytes / 2 ** 20).toFixed(1), megabytes.map((value) => value.toFixed(0)).join(', '), waitP99.toFixed(1), waitMost.toFixed(0)];
    console.log(`| ${cells.join(' | ')} |`);
  }
}
