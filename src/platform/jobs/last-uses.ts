import type { OnApplicationBootstrap } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import type { Loops } from './loops.js';

const FLUSH_EVERY_MS = 5_000;
/** A row is written no more often than this, however much it is used: a tenth of the shortest idle time of a session. */
const WRITE_AGAIN_MS = 30_000;

/** When something was used, as long ago as this. */
export interface Use {
  tenantId: string;
  id: string;
  agoMs: number;
}

/** Remembers when things were used, and writes it down now and then: a write per request would cost more than the request. */
export abstract class LastUses implements OnApplicationBootstrap {
  private readonly uses = new Map<string, { tenantId: string; atMs: number }>();
  private readonly written = new Map<string, number>();

  constructor(
    private readonly name: string,
    private readonly loops: Loops,
    private readonly clock: Clock,
  ) {}

  protected abstract write(uses: readonly Use[]): Promise<void>;

  onApplicationBootstrap(): void {
    this.loops.every(this.name, FLUSH_EVERY_MS, () => this.flush(), { onceMore: true });
  }

  saw(tenantId: string, id: string): void {
    this.uses.set(id, { tenantId, atMs: this.clock.monotonicMs() });
  }

  /** Writes what is due. What is not, or cannot be written, is kept for the next time. */
  async flush(): Promise<void> {
    const now = this.clock.monotonicMs();
    const due = [...this.uses].filter(([id]) => now - (this.written.get(id) ?? -WRITE_AGAIN_MS) >= WRITE_AGAIN_MS);
    if (due.length === 0) return;
    await this.write(due.map(([id, { tenantId, atMs }]) => ({ id, tenantId, agoMs: now - atMs })));
    for (const [id, use] of due) {
      this.written.set(id, now);
      if (this.uses.get(id) === use) this.uses.delete(id);
    }
    for (const [id, at] of this.written) if (now - at >= WRITE_AGAIN_MS) this.written.delete(id);
  }
}
