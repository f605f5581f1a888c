import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_MS = 3_000;
/** Share of the time in which the process was busy: less than this is idle. */
const IDLE = 0.2;

interface CollectGarbage {
  (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }): void;
}

/**
 * Gives back what only the start needed, a third of the memory: V8 has grown its young generation while modules were loaded,
 * and keeps that room where little is made afterwards. It waits for a moment in which the process is idle, because the
 * process stands still meanwhile (about 0.1 s), and is done once.
 * @param lookMs how often it looks
 */
export function giveBackStartMemory(lookMs = LOOK_MS, collect: CollectGarbage = garbageCollector()): void {
  let since = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const { utilization } = performance.eventLoopUtilization(since);
    since = performance.eventLoopUtilization();
    if (utilization >= IDLE) return;
    clearInterval(timer);
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }, lookMs).unref();
}

/** V8 shows it to contexts that are made while the flag is set. */
function garbageCollector(): CollectGarbage {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as CollectGarbage;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
