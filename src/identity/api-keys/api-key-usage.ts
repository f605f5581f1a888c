import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Clock } from '../../core/clock.js';
import { Loops } from '../../platform/jobs/loops.js';
import { ApiKeysRepository } from './api-keys.repository.js';

const FLUSH_EVERY_MS = 5_000;

/** Remembers when keys were used and writes it down every few seconds: a write per request would cost more than the request. */
@Injectable()
export class ApiKeyUsage implements OnApplicationBootstrap {
  private uses = new Map<string, { tenantId: string; atMs: number }>();

  constructor(
    private readonly loops: Loops,
    private readonly keys: ApiKeysRepository,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.loops.every('api-key-usage', FLUSH_EVERY_MS, () => this.flush(), { onceMore: true });
  }

  saw(tenantId: string, id: string): void {
    this.uses.set(id, { tenantId, atMs: this.clock.monotonicMs() });
  }

  /** What cannot be written is kept for the next time, unless the key was used again meanwhile. */
  async flush(): Promise<void> {
    const uses = this.uses;
    if (uses.size === 0) return;
    this.uses = new Map();
    const now = this.clock.monotonicMs();
    try {
      await this.keys.noteUses([...uses].map(([id, { tenantId, atMs }]) => ({ id, tenantId, agoMs: now - atMs })));
    } catch (error) {
      for (const [id, use] of uses) if (!this.uses.has(id)) this.uses.set(id, use);
      throw error;
    }
  }
}
