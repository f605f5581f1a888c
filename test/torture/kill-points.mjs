/**
 * Loaded into the plane's processes: each ends itself by SIGKILL in the midst of moving runs of workflows, at points that no signal from
 * outside would often hit. Behind the question mark: `log`, a file with a line for each end, and `seed`. Once `log` with `.over` behind it is
 * there, nobody ends any more.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { editSources } from './edit-source.mjs';

const POINTS = [
  ['before the commit of a transition', '/dist/work/workflows/engine/consequences.service.js', 'await this.tellOfFailures(moved);', (point) => `await this.tellOfFailures(moved); ${point}`],
  ['after the commit of a transition', '/dist/work/workflows/engine/advancer.service.js', 'const { moved, left } = await this.move(ids);', (point, was) => `${was} ${point}`],
  ['before what happened is told to runs', '/dist/work/workflows/engine/facts.listener.js', 'await this.runs.addFacts(', (point, was) => `${point} ${was}`],
  ['before a call', '/dist/work/workflows/engine/call-job.js', 'await this.tell(order, await this.outcomeOf(', (point, was) => `${point} ${was}`],
  ['between a call and its answer', '/dist/work/workflows/engine/call-job.js', 'await this.runs.addFacts(this.context.tenantId, [', (point, was) => `${point} ${was}`],
];
/** Between two ends, whosever: nothing would ever be moved on if all were always starting; ms. */
const LEAST_PAUSE_MS = 1_500;
/** How likely it is to end at a point at which somebody has before; the first who comes to a point ends there. */
const LATER = 0.01;

const { log, seed } = Object.fromEntries(new URL(import.meta.url).searchParams);
// Numerical Recipes' generator: enough for chances.
let state = (Number(seed) * 2_654_435_761 + process.pid) % 2 ** 32;
const chance = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;

/** Points at which somebody is known to have ended. */
const hit = new Set();
// One process's Date is an hour ahead; after an end that it wrote down nobody else would end for an hour.
const now = () => Math.round(performance.timeOrigin + performance.now());

globalThis.wheelhouseKillPoint = (name) => {
  const isDrawn = chance() < LATER;
  if ((hit.has(name) && !isDrawn) || existsSync(`${log}.over`)) return;
  const ends = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : [];
  for (const end of ends) hit.add(end.name);
  if ((hit.has(name) && !isDrawn) || now() - (ends.at(-1)?.at ?? 0) < LEAST_PAUSE_MS) return;
  appendFileSync(log, `${JSON.stringify({ pid: process.pid, name, at: now() })}\n`);
  process.kill(process.pid, 'SIGKILL');
};

writeFileSync(`${log}.points`, JSON.stringify(POINTS.map(([name]) => name)));
const files = Map.groupBy(POINTS, ([, file]) => file);
editSources([...files].map(([file, points]) => ({ file, edits: points.map(([name, , was, changed]) => [was, changed(`globalThis.wheelhouseKillPoint(${JSON.stringify(name)});`, was)]) })));
