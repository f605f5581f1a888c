import { Injectable } from '@nestjs/common';
import { Clock } from '../../core/clock.js';
import { Problem } from '../../core/problem.js';
import { hideSecrets } from '../../core/secret-placeholders.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { OutboundCalls } from '../../platform/egress/outbound-calls.js';
import { retryAfterOf } from './retry-times.js';
import { signedHeaders } from './standard-webhooks.js';
import { WebhookSecrets } from './webhook-secrets.js';
import type { DueDelivery } from './webhook-lanes.repository.js';

const PURPOSE = 'webhook';
/** Of the answer. */
const READ_BYTES = 4_096;
const KEPT_CHARACTERS = 1_024;
/** A breaker that does not say when it may be asked again. */
const ASK_AGAIN_MS = 30_000;

/** How one call went: answered, not answered, or put off by a circuit breaker before anything was sent. */
export type CallEnd =
  | { kind: 'answered'; status: number; answer: string; retryAfter: number | undefined; ms: number }
  | { kind: 'failed'; error: string; ms: number }
  | { kind: 'put_off'; ms: number }
  | { kind: 'given_up' };

/** The text of a message: the same for each try. */
export const bodyOf = ({ key, type, occurred_at, data }: Pick<DueDelivery, 'key' | 'type' | 'occurred_at' | 'data'>): string => JSON.stringify({ id: key, type, timestamp: occurred_at.toISOString(), data });

/** Signs a message and sends it, once. */
@Injectable()
export class DeliveryCall {
  constructor(
    private readonly calls: OutboundCalls,
    private readonly secrets: WebhookSecrets,
    private readonly context: RequestContext,
    private readonly clock: Clock,
  ) {}

  /** In the name of its tenant: circuit breakers and secrets are the tenant's. */
  make(delivery: DueDelivery, signal: AbortSignal): Promise<CallEnd> {
    return this.context.runAsSystem(delivery.tenant_id, 'webhooks', () => this.send(delivery, signal), delivery.request_id ?? undefined);
  }

  private async send(delivery: DueDelivery, signal: AbortSignal): Promise<CallEnd> {
    const begun = this.clock.monotonicMs();
    const ms = (): number => Math.round(this.clock.monotonicMs() - begun);
    try {
      const secrets = await this.secretsOf(delivery);
      const body = bodyOf(delivery);
      if (signal.aborted) return { kind: 'given_up' };
      const answer = await this.calls.send({
        url: delivery.url,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signedHeaders(secrets, delivery.id, this.clock.now(), body) },
        raw: body,
        timeoutMs: delivery.timeout_seconds * 1_000,
        maxBytes: READ_BYTES,
        cut: true,
        signal,
        purpose: PURPOSE,
        resource: { type: 'webhook', id: delivery.webhook_id ?? delivery.id },
      });
      return { kind: 'answered', status: answer.status, answer: shownOf(answer.body, secrets), retryAfter: retryAfterOf(answer.headers['retry-after'], this.clock.now()), ms: ms() };
    } catch (error) {
      if (signal.aborted) return { kind: 'given_up' };
      if (!(error instanceof Problem)) throw error;
      if (error.code === 'circuit_open') return { kind: 'put_off', ms: Math.max(0, (error.details.retryAt?.getTime() ?? this.clock.now().getTime() + ASK_AGAIN_MS) - this.clock.now().getTime()) };
      return { kind: 'failed', error: `${error.code}: ${error.message}`, ms: ms() };
    }
  }

  private async secretsOf({ tenant_id, id, webhook_id, own_secret, secret, secret_version, previous_secret }: DueDelivery): Promise<string[]> {
    if (own_secret) return [await this.secrets.openOfCall(tenant_id, id, own_secret)];
    if (!webhook_id || !secret || secret_version === null) return [];
    return this.secrets.open({ tenant_id, id: webhook_id, secret, secret_version, previous_secret });
  }
}

/** What a receiver says is kept and shown: what it was trusted with is not part of it. */
function shownOf(text: string, secrets: readonly string[]): string {
  const forms = secrets.flatMap((secret) => [secret, secret.replace(/^whsec_/, '')]);
  const hidden = hideSecrets(text, new Map(forms.map((form, index) => [`webhook.${index}`, form]))) as string;
  return hidden.replaceAll('\0', '').slice(0, KEPT_CHARACTERS).toWellFormed();
}
