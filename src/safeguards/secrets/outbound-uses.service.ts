import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import type { OutboundSecrets, OutboundUse } from '../../platform/egress/outbound-secrets.port.js';
import { allowsOrigin } from './is-origin.js';
import { SecretValues } from './secret-values.service.js';
import { SecretsRepository } from './secrets.repository.js';

/** Gives secrets to calls that leave this installation, for the origins that each may go to. */
@Injectable()
export class OutboundUses implements OutboundSecrets {
  constructor(
    private readonly context: RequestContext,
    private readonly secrets: SecretsRepository,
    private readonly values: SecretValues,
    private readonly audit: AuditPort,
  ) {}

  @Transactional()
  async open(names: readonly string[], use: OutboundUse): Promise<ReadonlyMap<string, string>> {
    const values = new Map<string, string>();
    for (const name of names) values.set(name, await this.openOne(name, use));
    return values;
  }

  private async openOne(name: string, { origin, purpose, resource }: OutboundUse): Promise<string> {
    const { tenantId } = this.context;
    const secret = await this.secrets.findByName(tenantId, name);
    // Absent and not allowed: who may write calls does not learn from it which names there are.
    if (!secret || !allowsOrigin(secret.outbound_origins, origin)) throw new Problem('secret_not_allowed', { detail: `No secret ${name} may be sent to ${origin}.` });
    if (await this.secrets.isExpired(tenantId, secret.id)) throw new Problem('secret_expired', { detail: `The secret ${name} has expired.` });
    const value = await this.values.open(secret, secret.version, true);
    await this.audit.record({ action: 'secret.use', resource: { type: 'secret', id: secret.id }, detail: { name, version: secret.version, origin, purpose, ...(resource ? { for: resource } : {}) } });
    return value;
  }
}
