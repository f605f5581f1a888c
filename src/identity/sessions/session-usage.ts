import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Clock } from '../../core/clock.js';
import { Loops } from '../../platform/jobs/loops.js';
import { SessionsRepository } from './sessions.repository.js';

const FLUSH_EVERY_MS = 5_000;
/** A session's row is written no more often than this, however much it is used: a tenth of the shortest idle time. */
const WRITE_AGAIN_MS = 30_000;

interface Use {
  tenantId: string;
  atMs: number;
}

/** Remembers when sessions were used, and writes it down now and then. */
@Injectable()
export class SessionUsage implements OnApplicationBootstrap {
  private uses = new Map<string, Use>();
  private written = new Map<string, number>();

  constructor(
    private readonly loops: Loops,
    private readonly sessions: SessionsRepository,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.loops.every('session-usage', FLUSH_EVERY_MS, () => this.flush(), { onceMore: true });
  }

  saw(tenantId: string, id: string): void {
    this.uses.set(id, { tenantId, atMs: this.clock.monotonicMs() });
  }

  /** Writes what is due. What is not, or cannot be written, is kept for the next time. */
  async flush(): Promise<void> {
    const now = this.clock.monotonicMs();
    const due = [...this.uses].filter(([id]) => now - (this.written.get(id) ?? -WRITE_AGAIN_MS) >= WRITE_AGAIN_MS);
    if (due.length === 0) return;
    await this.sessions.noteUses(due.map(([id, { tenantId, atMs }]) => ({ id, tenantId, agoMs: now - atMs })));
    for (const [id, use] of due) {
      this.written.set(id, now);
      if (this.uses.get(id) === use) this.uses.delete(id);
    }
    for (const [id, at] of this.written) if (now - at >= WRITE_AGAIN_MS) this.written.delete(id);
  }
}
