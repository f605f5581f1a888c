import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from './cli.ts';
import type { Prng } from './prng.ts';

/** A rotation that nobody kills ends within so many tries, whatever happens to the database meanwhile. */
const MOST_TRIES = 60;

/** Puts another master key in the place of the current one, gets killed at it, and goes on. */
export class KeyRotations {
  finished = 0;
  kills = 0;
  /** What an operator would have to be told of. */
  readonly failures: string[] = [];
  private readonly environment: () => Record<string, string>;
  private readonly prng: Prng;
  private running: Promise<void> | undefined;

  /** @param environment settings of the command; what is to be wrong with it, too */
  constructor(environment: () => Record<string, string>, prng: Prng) {
    this.environment = environment;
    this.prng = prng;
  }

  /** Begins one beside all else, unless one is under way. */
  begin(): void {
    this.running ??= this.rotate(1 + this.prng.below(3)).finally(() => (this.running = undefined));
  }

  /** Waits for the one under way, and does a last one in peace. */
  async finish(): Promise<void> {
    await this.running;
    await this.rotate(0);
  }

  private async rotate(kills: number): Promise<void> {
    let last = '';
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { child, ended } = runProgram(['keys', 'rotate'], this.environment());
      if (kills > 0) {
        // At any moment, but most often when it has just done a batch.
        if (this.prng.next() < 0.7) child.stdout?.once('data', () => child.kill('SIGKILL'));
        else setTimeout(() => child.kill('SIGKILL'), this.prng.between(100, 800));
      }
      const { code, output } = await ended;
      if (code === 0) {
        this.finished += 1;
        return;
      }
      if (code === null) {
        kills -= 1;
        this.kills += 1;
      }
      last = output;
      // The database may be away just now, or the session of the killed one may still hold the lock.
      await sleep(this.prng.between(100, 700));
    }
    this.failures.push(`keys rotate did not come to an end: ${last.trim().slice(-500)}`);
  }
}
