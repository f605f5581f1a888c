import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { roleOf } from '../../core/actor.js';
import { changesBetween } from '../../core/changes.js';
import { lackingFor, roleSees } from '../../core/event-families.js';
import { matchesEvent, patternFault } from '../../core/event-pattern.js';
import { eventNames } from '../../core/event.js';
import type { Page } from '../../core/page.js';
import { invalidField, notFound, Problem } from '../../core/problem.js';
import { slugify } from '../../core/slug.js';
import { AgentsReader } from '../../fleet/agents/agents.reader.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { idOfNew } from '../../platform/database/transaction-scope.js';
import { Egress } from '../../platform/egress/egress.js';
import { Events } from '../../platform/events/events.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import { hiddenFrom, hiddenFromCaller } from './hidden-events.js';
import { newWebhookSecret } from './standard-webhooks.js';
import { WebhookDeliveriesRepository } from './webhook-deliveries.repository.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { WebhookDeleted } from './webhooks.events.js';
import { WebhookSignal } from './webhook-signal.js';
import { subscriptionsTag, webhookTag } from './webhook-tags.js';
import type { Direction, Webhook } from './webhook.entity.js';
import type { CreateWebhookDto, ListWebhooksQuery, RotateWebhookSecretDto, UpdateWebhookDto } from './webhooks.dto.js';
import { COUNTED_WEBHOOKS, type NewWebhook, type WebhookHealth, type WebhookPatch, WebhooksRepository } from './webhooks.repository.js';
import { toWebhookView } from './webhooks.view.js';

const OVERLAP_SECONDS = 86_400;
/** Of a slug: 96 random bits behind what it is called by. */
const SLUG_BYTES = 12;
const LONGEST_STEM = 35;

type Kind = Omit<NewWebhook, 'tenant_id' | 'id' | 'secret' | 'is_enabled' | 'created_by_kind' | 'created_by_id'>;
const BLANK = { url: null, events: [], order_by: null, max_concurrent: 4, timeout_seconds: 15, slug: null, agent_id: null, signature_form: 'any', replay_seconds: 300 } satisfies Partial<Kind>;

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
    private readonly events: Events,
    private readonly repository: WebhooksRepository,
    private readonly deliveries: WebhookDeliveriesRepository,
    private readonly secrets: WebhookSecrets,
    private readonly egress: Egress,
    private readonly agents: AgentsReader,
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

  /** @throws Problem `invalid_request`, `egress_refused`, `unprocessable` (a pattern that takes nothing), `plan_limit_reached` */
  @Transactional()
  async create({ secret = newWebhookSecret(), is_enabled = true, ...body }: CreateWebhookDto): Promise<WithSecret> {
    const { actor, tenantId } = this.context;
    const kind = body.url === undefined ? await this.endpoint(body) : this.subscription(body.url, body);
    await this.plans.admit('webhooks');
    const id = idOfNew();
    await this.repository.insert({ ...kind, tenant_id: tenantId, id, secret: await this.secrets.seal(tenantId, id, 1, secret), is_enabled, created_by_kind: actor.kind, created_by_id: actor.id });
    const webhook = await this.find(id);
    await this.audit.record({ action: 'webhook.create', resource: { type: 'webhook', id }, after: summaryOf(webhook) });
    this.revocations.afterCommit(subscriptionsTag(tenantId));
    return { webhook, secret };
  }

  /** @throws Problem `invalid_request`, `egress_refused`, `unprocessable`, `precondition_failed` */
  @Transactional()
  async update(id: string, { events, ...body }: UpdateWebhookDto): Promise<Webhook> {
    const before = await this.lock(id);
    refuseFields(before.direction, { events, ...body });
    const patch: WebhookPatch = { ...body, ...(events === undefined ? {} : { events: named(events) }) };
    if (body.url !== undefined) this.egress.check(body.url);
    // Who says where it goes must not be shown more by it than they may see.
    if (body.url !== undefined || events !== undefined) patch.sees_as = this.sight();
    if (patch.events !== undefined) checkPatterns(patch.events, patch.sees_as ?? before.sees_as);
    if (patch.sees_as !== undefined) this.checkScopes(patch.events ?? before.events, patch.sees_as);
    if (body.agent_id) await this.checkAgent(body.agent_id);
    if (body.is_enabled === true) patch.disabled_reason = null;
    const hidden = body.url !== undefined ? hiddenFromCaller(this.context.actor) : before.sees_as === 'admin' && patch.sees_as === 'user' ? hiddenFrom('user') : [];
    if (hidden.length > 0) await this.deliveries.giveUp(before.tenant_id, id, hidden);
    await this.repository.update(before.tenant_id, id, patch);
    const after = await this.find(id);
    await this.audit.record({ action: 'webhook.update', resource: { type: 'webhook', id }, ...changesBetween(summaryOf(before), summaryOf(after)) });
    // Of one that was disabled nothing is under way, but what begins when it is enabled.
    const ends = before.direction === 'inbound' || (before.is_enabled && ENDS_CALLS.some((field) => after[field] !== before[field]));
    this.revocations.afterCommit(subscriptionsTag(before.tenant_id), ...(ends ? [webhookTag(id)] : []));
    afterCommit(() => this.signal.raise());
    return after;
  }

  @Transactional()
  async delete(id: string): Promise<void> {
    const webhook = await this.lock(id);
    await this.repository.delete(webhook.tenant_id, id);
    await this.audit.record({ action: 'webhook.delete', resource: { type: 'webhook', id }, before: summaryOf(webhook) });
    await this.events.publish(WebhookDeleted, { webhook_id: webhook.id, name: webhook.name, direction: webhook.direction });
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

  private subscription(url: string, body: CreateWebhookDto): Kind {
    refuseFields('outbound', body);
    const { events, name, order_by = null, max_concurrent = 4, timeout_seconds = 15 } = body;
    if (!events) throw invalidField('events', 'isDefined', 'must say which events are sent');
    this.egress.check(url);
    const seesAs = this.sight();
    checkPatterns(named(events), seesAs);
    this.checkScopes(named(events), seesAs);
    return { ...BLANK, direction: 'outbound', name: name ?? new URL(url).host, url, events: named(events), order_by, max_concurrent, timeout_seconds, sees_as: seesAs };
  }

  /** Its address cannot be guessed: who calls names no tenant, and learns nothing from the names of others. */
  private async endpoint(body: CreateWebhookDto): Promise<Kind> {
    refuseFields('inbound', body);
    const { name, agent_id = null, signature_form = 'any', replay_seconds = 300 } = body;
    if (name === undefined) throw invalidField('url', 'isDefined', 'must be given, or a name for a webhook that receives');
    if (agent_id !== null) await this.checkAgent(agent_id);
    const slug = `${slugify(name, 'hook').slice(0, LONGEST_STEM)}-${randomBytes(SLUG_BYTES).toString('hex')}`;
    return { ...BLANK, direction: 'inbound', name, slug, agent_id, signature_form, replay_seconds, sees_as: this.sight() };
  }

  private async checkAgent(id: string): Promise<void> {
    if (!(await this.agents.exists(id))) throw invalidField('agent_id', 'unknown', 'is no agent of this tenant');
  }

  private async find(id: string): Promise<Webhook> {
    return (await this.repository.find(this.context.tenantId, id)) ?? absent();
  }

  private async lock(id: string): Promise<Webhook> {
    const webhook = (await this.repository.lock(id)) ?? absent();
    checkIfMatch(this.context.get('ifMatch'), webhook);
    return webhook;
  }

  /** @throws Problem `forbidden` for a key whose scopes do not let it see what the patterns take */
  private checkScopes(patterns: readonly string[], seesAs: Webhook['sees_as']): void {
    const taken = eventNames().filter((name) => roleSees(seesAs, name) && patterns.some((pattern) => matchesEvent(pattern, name)));
    const permission = lackingFor(this.context.actor, taken);
    if (permission) throw new Problem('forbidden', { detail: `A webhook is sent no more than who writes it may see: these credentials do not have the permission ${permission}.`, extra: { permission } });
  }

  private sight(): Webhook['sees_as'] {
    return roleOf(this.context.actor) === 'admin' ? 'admin' : 'user';
  }
}

/** A change of these ends what is under way: it goes elsewhere, or nowhere, or must go otherwise. */
const ENDS_CALLS = ['url', 'is_enabled', 'max_concurrent', 'timeout_seconds'] as const;

/** What a webhook of the other kind has. */
const OF_KIND = {
  outbound: ['url', 'events', 'order_by', 'max_concurrent', 'timeout_seconds'],
  inbound: ['agent_id', 'signature_form', 'replay_seconds'],
} as const satisfies Record<Direction, readonly (keyof UpdateWebhookDto)[]>;

function refuseFields(direction: Direction, body: UpdateWebhookDto): void {
  const other = direction === 'outbound' ? 'inbound' : 'outbound';
  const wrong = OF_KIND[other].find((field) => body[field] !== undefined && body[field] !== null);
  if (wrong) throw invalidField(wrong, 'direction', direction === 'outbound' ? 'is for webhooks that receive' : 'is for webhooks that send');
}

/** As on /ws, a star alone is every event. */
const named = (patterns: readonly string[]): string[] => patterns.map((pattern) => (pattern === '*' ? '**' : pattern));

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
