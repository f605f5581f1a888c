import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pace } from './workflows/pace.js';

const LONGEST_MS = 10;

/** Lets other requests of the process have their turn after every 10 ms of work that only waits for promises. */
export class EventLoopPace implements Pace {
  private since = performance.now();

  isDue(): boolean {
    return performance.now() - this.since > LONGEST_MS;
  }

  async rest(): Promise<void> {
    await nextTurn();
    this.since = performance.now();
  }
}
