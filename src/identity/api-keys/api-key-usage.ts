import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Clock } from '../../core/clock.js';
import { ApiKeysRepository } from './api-keys.repository.js';

const FLUSH_EVERY_MS = 5_000;

/** Remembers when keys were used and writes it down every few seconds: a write per request would cost more than the request. */
@Injectable()
export class ApiKeyUsage implements BeforeApplicationShutdown {
  private readonly logger = new Logger(ApiKeyUsage.name);
  private uses = new Map<string, { tenantId: string; atMs: number }>();

  constructor(
    private readonly keys: ApiKeysRepository,
    private readonly clock: Clock,
  ) {}

  saw(tenantId: string, id: string): void {
    this.uses.set(id, { tenantId, atMs: this.clock.monotonicMs() });
  }

  /** What cannot be written is kept for the next time, unless the key was used again meanwhile. */
  @Interval(FLUSH_EVERY_MS)
  async flush(): Promise<void> {
    const uses = this.uses;
    if (uses.size === 0) return;
    this.uses = new Map();
    const now = this.clock.monotonicMs();
    try {
      await this.keys.noteUses([...uses].map(([id, { tenantId, atMs }]) => ({ id, tenantId, agoMs: now - atMs })));
    } catch (error) {
      for (const [id, use] of uses) if (!this.uses.has(id)) this.uses.set(id, use);
      this.logger.warn(`Last uses of API keys were not written yet: ${String(error)}`);
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.flush();
  }
}
