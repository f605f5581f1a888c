import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { notFound } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshSignIn } from '../../platform/auth/fresh-sign-in.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { SecretValues } from './secret-values.service.js';
import type { RevealSecretDto } from './secret-values.dto.js';
import { SecretsRepository } from './secrets.repository.js';
import type { OpenedSecret } from './secrets.view.js';

/** Shows a value to a person. */
@Injectable()
export class SecretReveals {
  constructor(
    private readonly context: RequestContext,
    private readonly secrets: SecretsRepository,
    private readonly values: SecretValues,
    private readonly audit: AuditPort,
  ) {}

  /**
   * Opens a version; the audit row is there before anyone sees the value.
   * @throws Problem `fresh_sign_in_required`, `not_found`, `version_destroyed`
   */
  @Transactional()
  async reveal(id: string, { reason, version }: RevealSecretDto): Promise<OpenedSecret> {
    const secret = await this.secrets.find(this.context.tenantId, id);
    if (!secret) throw notFound('secret');
    requireFreshSignIn(this.context);
    const wanted = version ?? secret.version;
    const value = await this.values.open(secret, wanted, false);
    await this.audit.record({ action: 'secret.reveal', resource: { type: 'secret', id }, detail: { name: secret.name, version: wanted, reason } });
    return { secret, value, version: wanted };
  }
}
