import { Injectable } from '@nestjs/common';
import { Clock } from '../../core/clock.js';
import { LastUses, type Use } from '../../platform/jobs/last-uses.js';
import { Loops } from '../../platform/jobs/loops.js';
import { SessionsRepository } from './sessions.repository.js';

/** When sessions were used. */
@Injectable()
export class SessionUsage extends LastUses {
  constructor(
    loops: Loops,
    clock: Clock,
    private readonly sessions: SessionsRepository,
  ) {
    super('session-usage', loops, clock);
  }

  protected write(uses: readonly Use[]): Promise<void> {
    return this.sessions.noteUses(uses);
  }
}
