/** One signed message to a receiver. */
export interface WebhookCall {
  /** A subscription of the tenant; or `url`, and what to sign with. */
  webhookId?: string;
  /** May hold `{{secret:NAME}}` in its path and query. */
  url?: string;
  /** Left out with a `url`, the message is not signed. */
  secret?: string;
  /** `order.created`: what the message says that it is. */
  type: string;
  data: Record<string, unknown>;
  /** The same key to the same receiver makes no second message, however often it is asked for. */
  key: string;
}

/** Sends messages in the Standard Webhooks form, with retries over days. A port: channels/webhooks implements it. */
export abstract class WebhookCalls {
  /**
   * Enqueues a message in the running transaction: with it the message is there, or not.
   * @returns its id, which the receiver has as `webhook-id`
   * @throws Problem `not_found`, `webhook_disabled`, `egress_refused`, `unprocessable`
   */
  abstract call(call: WebhookCall): Promise<{ deliveryId: string }>;

  /** Those of the tenant's webhooks that there are, and that send, or receive. In the running transaction. */
  abstract existing(direction: 'inbound' | 'outbound', ids: readonly string[]): Promise<Set<string>>;
}
