import { Injectable } from '@nestjs/common';
import { TenantCipher } from '../../platform/crypto/tenant-cipher.js';

/** Whose secret it is: of a webhook in one of its versions, or of a call without a subscription. */
const placeOf = (tenantId: string, id: string, version: number | undefined): { tenantId: string; row: string } => ({
  tenantId,
  row: version === undefined ? `webhook_deliveries/${id}/secret` : `webhooks/${id}/secret/${version}`,
});

/** What a row has of secrets. */
export interface SealedSecrets {
  tenant_id: string;
  id: string;
  secret: Buffer;
  secret_version: number;
  /** Only while it works on. */
  previous_secret: Buffer | null;
}

/** Secrets that messages are signed with lie sealed, and are open only while a message is signed or looked at. */
@Injectable()
export class WebhookSecrets {
  constructor(private readonly cipher: TenantCipher) {}

  seal(tenantId: string, id: string, version: number, secret: string): Promise<Buffer> {
    return this.cipher.seal(placeOf(tenantId, id, version), secret);
  }

  sealOfCall(tenantId: string, deliveryId: string, secret: string): Promise<Buffer> {
    return this.cipher.seal(placeOf(tenantId, deliveryId, undefined), secret);
  }

  openOfCall(tenantId: string, deliveryId: string, sealed: Buffer): Promise<string> {
    return this.cipher.open(placeOf(tenantId, deliveryId, undefined), sealed);
  }

  /** The current one first, then the one before while it works on. */
  async open({ tenant_id, id, secret, secret_version, previous_secret }: SealedSecrets): Promise<string[]> {
    const current = await this.cipher.open(placeOf(tenant_id, id, secret_version), secret);
    return previous_secret ? [current, await this.cipher.open(placeOf(tenant_id, id, secret_version - 1), previous_secret)] : [current];
  }
}
