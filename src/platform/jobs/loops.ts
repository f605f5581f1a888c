import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Metrics } from '../metrics/metrics.js';

interface Loop {
  name: string;
  turn: (signal: AbortSignal) => Promise<void>;
  running: Promise<void> | undefined;
  onceMore: boolean;
}

/**
 * What each process repeats by its own clock for as long as it lives. A turn that fails is logged, counted and followed
 * by the next one. What has to happen once however many processes run, or to outlive a crash, is a job (`Jobs`).
 */
@Injectable()
export class Loops implements BeforeApplicationShutdown {
  private readonly logger = new Logger(Loops.name);
  private readonly stop = new AbortController();
  private readonly loops: Loop[] = [];

  constructor(
    private readonly metrics: Metrics,
    private readonly registry: SchedulerRegistry,
  ) {}

  /**
   * Starts a loop; call it in `onApplicationBootstrap`. Never two turns of a loop at once: one that lasts longer than
   * the interval takes the place of those that would have begun meanwhile.
   * @param name for the log and the metric, in kebab case; one loop has it
   * @param milliseconds from the beginning of one turn to that of the next; also until the first
   * @param turn its signal aborts at the shutdown, which waits for the turn
   * @param options `onceMore`: a last turn at the shutdown, for what was gathered since the one before
   */
  every(name: string, milliseconds: number, turn: Loop['turn'], { onceMore = false } = {}): void {
    if (this.stop.signal.aborted) return;
    const loop: Loop = { name, turn, onceMore, running: undefined };
    this.registry.addInterval(name, setInterval(() => this.begin(loop), milliseconds));
    this.loops.push(loop);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    await Promise.all(this.loops.map((loop) => this.end(loop)));
  }

  private begin(loop: Loop): void {
    loop.running ??= this.run(loop).finally(() => (loop.running = undefined));
  }

  private async end(loop: Loop): Promise<void> {
    // The scheduler ends its timers in its own hook, before or after this one.
    if (this.registry.doesExist('interval', loop.name)) this.registry.deleteInterval(loop.name);
    await loop.running;
    if (loop.onceMore) await this.run(loop);
  }

  private async run({ name, turn }: Loop): Promise<void> {
    try {
      await turn(this.stop.signal);
    } catch (error) {
      this.metrics.loopFailures.inc({ loop: name });
      this.logger.warn({ err: error, loop: name }, 'A turn of a loop failed; the next one tries again.');
    }
  }
}
