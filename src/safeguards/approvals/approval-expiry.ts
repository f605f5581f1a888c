import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Loops } from '../../platform/jobs/loops.js';
import { ApprovalDeadlines } from './approval-deadlines.service.js';
import { ApprovalLinksRepository } from './approval-links.repository.js';
import { ApprovalPassesRepository } from './approval-passes.repository.js';
import { ApprovalsRepository } from './approvals.repository.js';

const EVERY_MS = 1_000;
const HOUR_MS = 3_600_000;

/** Looks each second for approvals that have run out or go to others, so that those who wait hear of it. Any number of processes may. */
@Injectable()
export class ApprovalExpiry implements OnApplicationBootstrap {
  private readonly logger = new Logger(ApprovalExpiry.name);

  constructor(
    private readonly loops: Loops,
    private readonly config: Config,
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
    private readonly deadlines: ApprovalDeadlines,
    private readonly passes: ApprovalPassesRepository,
    private readonly links: ApprovalLinksRepository,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.runsJobs) return;
    this.loops.every('approval-expiry', EVERY_MS, () => this.sweep());
    this.loops.every('approval-leftovers', HOUR_MS, (signal) => this.forget(signal));
  }

  /** What was let through long ago is nothing to try a rule on, and links that ran out decide nothing. */
  private async forget(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.passes.removeOld()) + (await this.links.removeOld()) > 0);
  }

  private async sweep(): Promise<void> {
    for (const tenantId of await this.repository.tenantsWithDue()) {
      await this.context
        .runAsSystem(tenantId, 'approval-expiry', () => this.deadlines.settle())
        // One tenant's trouble, a key that cannot be had, keeps no other waiting.
        .catch((error: unknown) => this.logger.warn({ err: error, tenant: tenantId }, 'Approvals that have run out could not be ended; it is tried again.'));
    }
  }
}
