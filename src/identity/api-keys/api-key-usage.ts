import { Injectable } from '@nestjs/common';
import { Clock } from '../../core/clock.js';
import { LastUses, type Use } from '../../platform/jobs/last-uses.js';
import { Loops } from '../../platform/jobs/loops.js';
import { ApiKeysRepository } from './api-keys.repository.js';

/** When keys were used. */
@Injectable()
export class ApiKeyUsage extends LastUses {
  constructor(
    loops: Loops,
    clock: Clock,
    private readonly keys: ApiKeysRepository,
  ) {
    super('api-key-usage', loops, clock);
  }

  protected write(uses: readonly Use[]): Promise<void> {
    return this.keys.noteUses(uses);
  }
}
