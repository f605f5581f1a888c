import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { SecretsRepository } from './secrets.repository.js';
import { SecretsService } from './secrets.service.js';

const ROTATE_SECRETS = 'secret-rotation';
const EVERY_MINUTE = '* * * * *';

/** Rotates secrets by the clock: each minute those whose time has come, one by one, so that one that fails holds back no other. */
@Injectable()
export class SecretRotation implements OnModuleInit {
  private readonly logger = new Logger(SecretRotation.name);

  constructor(
    private readonly jobs: Jobs,
    private readonly context: RequestContext,
    private readonly repository: SecretsRepository,
    private readonly secrets: SecretsService,
  ) {}

  onModuleInit(): void {
    this.jobs.define(ROTATE_SECRETS, (_data, { signal }) => this.round(signal), { retries: 2 });
    this.jobs.schedule(ROTATE_SECRETS, EVERY_MINUTE);
  }

  async round(stop: AbortSignal): Promise<void> {
    const failures: unknown[] = [];
    for (const tenantId of await this.repository.tenantsWithDue()) {
      const due = await this.context.runAsSystem(tenantId, ROTATE_SECRETS, () => this.secrets.due());
      for (const id of due) {
        stop.throwIfAborted();
        await this.context.runAsSystem(tenantId, ROTATE_SECRETS, () => this.secrets.rotateIfDue(id)).catch((error: unknown) => failures.push(error));
      }
    }
    if (failures.length === 0) return;
    this.logger.warn(`${failures.length} secrets could not be rotated; they are tried again.`);
    throw failures[0];
  }
}
