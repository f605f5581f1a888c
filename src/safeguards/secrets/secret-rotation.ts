import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { SecretsRepository } from './secrets.repository.js';
import { SecretsService } from './secrets.service.js';

const ROTATE_SECRETS = 'secret-rotation';
const EVERY_MINUTE = '* * * * *';

/**
 * Rotates secrets by the clock: each minute those whose time has come, one by one. One that fails holds back no other: it is put off,
 * and says so itself, in the audit log when it begins to fail, and in the metrics.
 */
@Injectable()
export class SecretRotation implements OnModuleInit {
  private readonly logger = new Logger(SecretRotation.name);

  constructor(
    private readonly jobs: Jobs,
    private readonly context: RequestContext,
    private readonly repository: SecretsRepository,
    private readonly secrets: SecretsService,
    private readonly audit: AuditPort,
  ) {}

  onModuleInit(): void {
    this.jobs.define(ROTATE_SECRETS, (_data, { signal }) => this.round(signal), { retries: 2 });
    this.jobs.schedule(ROTATE_SECRETS, EVERY_MINUTE);
  }

  async round(stop: AbortSignal): Promise<void> {
    let failures = 0;
    for (const tenantId of await this.repository.tenantsWithDue()) {
      const due = await this.context.runAsSystem(tenantId, ROTATE_SECRETS, () => this.secrets.due());
      for (const id of due) {
        stop.throwIfAborted();
        if (!(await this.context.runAsSystem(tenantId, ROTATE_SECRETS, () => this.rotate(id)))) failures += 1;
      }
    }
    if (failures > 0) this.logger.warn(`${failures} secrets could not be rotated; they are tried again later.`);
  }

  /** @returns whether there is nothing more to do about it */
  private async rotate(id: string): Promise<boolean> {
    try {
      await this.secrets.rotateIfDue(id);
      return true;
    } catch (error) {
      const code = error instanceof Problem ? error.code : 'internal';
      if (code === 'internal') this.logger.error(error, `Secret ${id} could not be rotated.`);
      if (await this.secrets.putOff(id, code)) await this.audit.failed({ action: 'secret.rotate', resource: { type: 'secret', id }, detail: { reason: code } }).catch((failure: unknown) => this.logger.error(failure));
      return false;
    }
  }
}
