import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { ApprovalsRepository } from './approvals.repository.js';
import { ApprovalsService } from './approvals.service.js';

const EVERY_MS = 1_000;

/** Ends approvals that have run out, within a second, so that those who wait hear of it. Any number of processes may. */
@Injectable()
export class ApprovalExpiry implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ApprovalExpiry.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly config: Config,
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
    private readonly approvals: ApprovalsService,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.runsJobs) this.timer = setInterval(() => this.tick(), EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private tick(): void {
    this.running ??= this.sweep()
      .catch((error: unknown) => this.logger.warn({ err: error }, 'Ending approvals that ran out failed; it is tried again.'))
      .finally(() => (this.running = undefined));
  }

  private async sweep(): Promise<void> {
    for (const tenantId of await this.repository.tenantsWithDue()) {
      await this.context.runAsSystem(tenantId, 'approval-expiry', () => this.approvals.expireDue());
    }
  }
}
