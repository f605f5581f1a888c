import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshSignIn } from '../../platform/auth/fresh-sign-in.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { ApprovalGate } from '../approvals/approval-gate.port.js';
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
    private readonly gate: ApprovalGate,
  ) {}

  /**
   * Opens a version; the audit row is there before anyone sees the value.
   * @throws Problem `fresh_sign_in_required`, `not_found`, `version_destroyed`, `approval_awaited` when a rule asks for approval
   */
  async reveal(id: string, body: RevealSecretDto): Promise<OpenedSecret> {
    const { opened, approvalId } = await this.attempt(id, body);
    if (opened) return opened;
    // Thrown when the request for the approval is committed.
    throw new Problem('approval_awaited', { extra: { approval_id: approvalId } });
  }

  @Transactional()
  protected async attempt(id: string, { reason, version }: RevealSecretDto): Promise<{ opened?: OpenedSecret; approvalId: string | null }> {
    const secret = await this.secrets.find(this.context.tenantId, id);
    if (!secret) throw notFound('secret');
    requireFreshSignIn(this.context);
    const wanted = version ?? secret.version;
    const { state, approvalId, reason: why } = await this.gate.ask({
      action: { kind: 'secret.reveal', arguments: { secret_id: id, version: wanted } },
      title: `Reveal the secret ${secret.name}`,
      description: reason,
      source: { kind: 'secret', id },
    });
    if (state === 'pending') return { approvalId };
    if (state === 'refused') throw new Problem('approval_broken', { detail: why });
    const value = await this.values.open(secret, wanted, false);
    await this.audit.record({ action: 'secret.reveal', resource: { type: 'secret', id }, detail: { name: secret.name, version: wanted, reason, ...(approvalId === null ? {} : { approval_id: approvalId }) } });
    return { opened: { secret, value, version: wanted }, approvalId };
  }
}
