import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { LRUCache } from 'lru-cache';
import { Clock } from '../../core/clock.js';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { idOfNew } from '../../platform/database/transaction-scope.js';
import { Events } from '../../platform/events/events.js';
import { keptHeaders, PayloadContents } from './payload-content.js';
import { type Verdict, verify } from './signature-forms.js';
import { type Receipt, WebhookPayloadsRepository } from './webhook-payloads.repository.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { webhookTag } from './webhook-tags.js';
import { WebhookReceived } from './webhooks.events.js';
import { type Endpoint, WebhooksRepository } from './webhooks.repository.js';

/** A request to an endpoint. */
export interface Incoming {
  headers: IncomingHttpHeaders;
  body: Buffer;
  ip: string | undefined;
}
/** `previousEnds`: until when the secret before works, by this process's monotonic clock. */
type KnownEndpoint = Endpoint & { previousEnds: number };
type Accepted = Exclude<Verdict, string>;

/** Rows of the audit log about refused requests to one endpoint: at most one in so long from each process, with how many it stands for. */
const ROW_EVERY_MS = 60_000;
const MOST_REMEMBERED = 10_000;
const LONGEST_TYPE = 200;

/** Takes what others send: shows itself to nobody who does not know the secret, and keeps what it takes before it says so. */
@Injectable()
export class InboundReceiver {
  private readonly logger = new Logger(InboundReceiver.name);
  private readonly endpoints: RevocableCache<KnownEndpoint>;
  private readonly refusals = new LRUCache<string, { at: number; unsaid: number }>({ max: MOST_REMEMBERED });

  constructor(
    private readonly context: RequestContext,
    private readonly webhooks: WebhooksRepository,
    private readonly payloads: WebhookPayloadsRepository,
    private readonly contents: PayloadContents,
    private readonly secrets: WebhookSecrets,
    private readonly events: Events,
    private readonly audit: AuditPort,
    private readonly clock: Clock,
    revocations: Revocations,
  ) {
    this.endpoints = revocations.cache<KnownEndpoint>((slug) => this.look(slug), ({ id, tenant_id }) => [webhookTag(id), `tenant:${tenant_id}`]);
  }

  /** @throws Problem `webhook_refused`, alike for no endpoint, one that is disabled, and a signature that is not right */
  async receive(slug: string, incoming: Incoming): Promise<Receipt> {
    const endpoint = await this.endpoints.get(slug.toLowerCase());
    if (!endpoint) throw new Problem('webhook_refused');
    const { tenant_id, id } = endpoint;
    return this.context.within({ tenantId: tenant_id, ...(incoming.ip === undefined ? {} : { ip: incoming.ip }) }, async () => {
      const secrets = await this.secrets.open({ ...endpoint, previous_secret: this.clock.monotonicMs() < endpoint.previousEnds ? endpoint.previous_secret : null });
      const verdict = verify(endpoint.signature_form, incoming.headers, incoming.body, secrets, this.clock.now(), endpoint.replay_seconds);
      if (typeof verdict === 'string') {
        await this.refused(id, verdict);
        throw new Problem('webhook_refused');
      }
      return this.keep(endpoint, incoming, verdict, secrets);
    });
  }

  /** What is known of an endpoint is two seconds old at most; the secret before ends at its time all the same. */
  private async look(slug: string): Promise<KnownEndpoint | undefined> {
    const asked = this.clock.monotonicMs();
    const endpoint = await this.webhooks.endpoint(slug);
    return endpoint && { ...endpoint, previousEnds: asked + endpoint.previous_ms };
  }

  /** The same delivery again is answered as it was the first time; it is known by the name that its sender gives it, or by its body. */
  @Transactional()
  protected async keep({ tenant_id, id: webhookId, name, replay_seconds }: Endpoint, { headers, body, ip }: Incoming, { form, isKnownByBody, deliveryHash }: Accepted, secrets: readonly string[]): Promise<Receipt> {
    const bodyHash = hash('sha256', body, 'buffer');
    const id = idOfNew();
    const content = await this.contents.seal(tenant_id, id, { headers: keptHeaders(headers, secrets), body });
    if (isKnownByBody) await this.payloads.lockBody(webhookId, bodyHash);
    const known = (deliveryHash && (await this.payloads.byDelivery(tenant_id, webhookId, deliveryHash))) ?? (isKnownByBody ? await this.payloads.recent(tenant_id, webhookId, bodyHash, replay_seconds) : undefined);
    if (known) return known;
    const contentType = headers['content-type']?.slice(0, LONGEST_TYPE) ?? null;
    const made = await this.payloads.insert({ tenant_id, id, webhook_id: webhookId, delivery_hash: deliveryHash, body_hash: bodyHash, content, content_type: contentType, size: body.length, form, ip: ip ?? null });
    if (!made) {
      const first = deliveryHash && (await this.payloads.byDelivery(tenant_id, webhookId, deliveryHash));
      if (!first) throw new Error('A payload was neither kept nor known.');
      return first;
    }
    await this.events.publish(WebhookReceived, { webhook_id: webhookId, payload_id: id, name, content_type: contentType, size: body.length, replay: 0 });
    return made;
  }

  /** Whoever may try as often as they like must not fill the log. */
  private async refused(id: string, reason: string): Promise<void> {
    const now = this.clock.monotonicMs();
    const last = this.refusals.get(id);
    if (last && now - last.at < ROW_EVERY_MS) {
      last.unsaid += 1;
      return;
    }
    this.refusals.set(id, { at: now, unsaid: 0 });
    await this.audit
      .failed({ action: 'webhook.refused', resource: { type: 'webhook', id }, detail: { reason, others_before: last?.unsaid ?? 0 } })
      .catch((error: unknown) => this.logger.error({ err: error, webhook: id }, 'A refusal could not be written down.'));
  }
}
