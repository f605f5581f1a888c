import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Loops } from '../../platform/jobs/loops.js';
import { ApprovalsRepository } from './approvals.repository.js';
import { ApprovalsService } from './approvals.service.js';

const EVERY_MS = 1_000;

/** Ends approvals that have run out, within a second, so that those who wait hear of it. Any number of processes may. */
@Injectable()
export class ApprovalExpiry implements OnApplicationBootstrap {
  constructor(
    private readonly loops: Loops,
    private readonly config: Config,
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
    private readonly approvals: ApprovalsService,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.runsJobs) this.loops.every('approval-expiry', EVERY_MS, () => this.sweep());
  }

  private async sweep(): Promise<void> {
    for (const tenantId of await this.repository.tenantsWithDue()) {
      await this.context.runAsSystem(tenantId, 'approval-expiry', () => this.approvals.expireDue());
    }
  }
}
