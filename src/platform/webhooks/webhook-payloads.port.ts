/** What an endpoint was sent. */
export interface ReceivedPayload {
  webhookId: string;
  /** Names in lower case; without credentials and signatures. */
  headers: Record<string, string>;
  /** As JSON where it is JSON, else as text; undefined for bytes that are no text. */
  body: unknown;
}

/** Opens what a `webhook.received` event is about. A port: channels/webhooks implements it. */
export abstract class WebhookPayloads {
  /** In the running transaction; undefined when it is gone. */
  abstract open(payloadId: string): Promise<ReceivedPayload | undefined>;
}
