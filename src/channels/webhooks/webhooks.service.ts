import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { roleOf } from '../../core/actor.js';
import { changesBetween } from '../../core/changes.js';
import { roleSees } from '../../core/event-families.js';
import { matchesEvent, patternFault } from '../../core/event-pattern.js';
import { eventNames } from '../../core/event.js';
import type { Page } from '../../core/page.js';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { idOfNew } from '../../platform/database/transaction-scope.js';
import { Egress } from '../../platform/egress/egress.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import { newWebhookSecret } from './standard-webhooks.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { WebhookSignal } from './webhook-signal.js';
import { subscriptionsTag, webhookTag } from './webhook-tags.js';
import type { Webhook } from './webhook.entity.js';
import type { CreateWebhookDto, ListWebhooksQuery, RotateWebhookSecretDto, UpdateWebhookDto } from './webhooks.dto.js';
import { COUNTED_WEBHOOKS, type WebhookHealth, type WebhookPatch, WebhooksRepository } from './webhooks.repository.js';
import { toWebhookView } from './webhooks.view.js';

const OVERLAP_SECONDS = 86_400;

/** A webhook with its secret, which is shown this once. */
export interface WithSecret {
  webhook: Webhook;
  secret: string;
}

/** What people do with webhooks. Each change holds in every process before it is answered. */
@Injectable()
export class WebhooksService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: WebhooksRepository,
    private readonly secrets: WebhookSecrets,
    private readonly egress: Egress,
    private readonly audit: AuditPort,
    private readonly plans: PlanLimits,
    private readonly revocations: Revocations,
    private readonly signal: WebhookSignal,
  ) {
    plans.countBy('webhooks', COUNTED_WEBHOOKS);
  }

  @Transactional()
  list({ direction, is_enabled, ...page }: ListWebhooksQuery): Promise<Page<Webhook>> {
    return this.repository.page(this.context.tenantId, { direction, isEnabled: is_enabled === undefined ? undefined : is_enabled === 'true' }, page);
  }

  @Transactional()
  async get(id: string): Promise<{ webhook: Webhook; health: WebhookHealth }> {
    return { webhook: await this.find(id), health: await this.repository.health(this.context.tenantId, id) };
  }

  /** @throws Problem `egress_refused`, `unprocessable` (a pattern that takes nothing), `plan_limit_reached` */
  @Transactional()
  async create({ url, events, name, secret = newWebhookSecret(), order_by = null, max_concurrent = 4, timeout_seconds = 15, is_enabled = true }: CreateWebhookDto): Promise<WithSecret> {
    const { actor, tenantId } = this.context;
    this.egress.check(url);
    const seesAs = this.sight();
    checkPatterns(events, seesAs);
    await this.plans.admit('webhooks');
    const id = idOfNew();
    await this.repository.insert({
      tenant_id: tenantId, id, direction: 'outbound', name: name ?? new URL(url).host, url, events, order_by, max_concurrent, timeout_seconds, sees_as: seesAs,
      secret: await this.secrets.seal(tenantId, id, 1, secret), is_enabled, created_by_kind: actor.kind, created_by_id: actor.id,
    });
    const webhook = await this.find(id);
    await this.audit.record({ action: 'webhook.create', resource: { type: 'webhook', id }, after: summaryOf(webhook) });
    this.revocations.afterCommit(subscriptionsTag(tenantId));
    return { webhook, secret };
  }

  /** @throws Problem `egress_refused`, `unprocessable`, `precondition_failed` */
  @Transactional()
  async update(id: string, body: UpdateWebhookDto): Promise<Webhook> {
    const before = await this.lock(id);
    const patch: WebhookPatch = { ...body };
    if (body.url !== undefined) this.egress.check(body.url);
    // Who says where it goes must not be shown more by it than they may see.
    if (body.url !== undefined || body.events !== undefined) patch.sees_as = this.sight();
    if (body.events !== undefined) checkPatterns(body.events, patch.sees_as ?? before.sees_as);
    if (body.is_enabled === true) patch.disabled_reason = null;
    await this.repository.update(before.tenant_id, id, patch);
    const after = await this.find(id);
    await this.audit.record({ action: 'webhook.update', resource: { type: 'webhook', id }, ...changesBetween(summaryOf(before), summaryOf(after)) });
    this.revocations.afterCommit(subscriptionsTag(before.tenant_id), webhookTag(id));
    afterCommit(() => this.signal.raise());
    return after;
  }

  @Transactional()
  async delete(id: string): Promise<void> {
    const webhook = await this.lock(id);
    await this.repository.delete(webhook.tenant_id, id);
    await this.audit.record({ action: 'webhook.delete', resource: { type: 'webhook', id }, before: summaryOf(webhook) });
    this.revocations.afterCommit(subscriptionsTag(webhook.tenant_id), webhookTag(id));
  }

  /** The secret before works on for the overlap: messages are signed with both. */
  @Transactional()
  async rotate(id: string, { secret = newWebhookSecret(), overlap_seconds = OVERLAP_SECONDS }: RotateWebhookSecretDto): Promise<WithSecret> {
    const before = await this.lock(id);
    const sealed = await this.secrets.seal(before.tenant_id, id, before.secret_version + 1, secret);
    await this.repository.rotate(before, sealed, overlap_seconds);
    const webhook = await this.find(id);
    await this.audit.record({ action: 'webhook.rotate_secret', resource: { type: 'webhook', id }, detail: { overlap_seconds } });
    // What is read already would be signed with the secret before alone.
    this.revocations.afterCommit(webhookTag(id));
    afterCommit(() => this.signal.raise());
    return { webhook, secret };
  }

  private async find(id: string): Promise<Webhook> {
    return (await this.repository.find(this.context.tenantId, id)) ?? absent();
  }

  private async lock(id: string): Promise<Webhook> {
    const webhook = (await this.repository.lock(id)) ?? absent();
    checkIfMatch(this.context.get('ifMatch'), webhook);
    return webhook;
  }

  private sight(): Webhook['sees_as'] {
    return roleOf(this.context.actor) === 'admin' ? 'admin' : 'user';
  }
}

/** A pattern that takes no event there is, or none that its author may see, would wait for ever. */
function checkPatterns(patterns: readonly string[], seesAs: Webhook['sees_as']): void {
  const seen = eventNames().filter((name) => roleSees(seesAs, name));
  const errors = patterns.flatMap((pattern, index) => {
    const fault = patternFault(pattern) ?? (seen.some((name) => matchesEvent(pattern, name)) ? undefined : 'Your role sees no event with such a name.');
    return fault === undefined ? [] : [{ field: `events.${index}`, code: 'eventPattern', message: fault }];
  });
  if (errors.length > 0) throw new Problem('unprocessable', { detail: 'A pattern of events takes none.', errors, remedy: `These events there are: ${seen.join(', ')}.` });
}

/** What the audit log keeps: never a secret. */
function summaryOf(webhook: Webhook): Record<string, unknown> {
  const { secret: _secret, ...rest } = toWebhookView(webhook);
  return { ...rest, sees_as: webhook.sees_as };
}

function absent(): never {
  throw notFound('webhook');
}
