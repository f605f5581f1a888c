import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { lockRow, pageOfQuery } from '../../platform/database/table.js';
import { type PayloadStatus, WebhookPayload } from './webhook-payload.entity.js';

export type NewPayload = Pick<WebhookPayload, 'tenant_id' | 'id' | 'webhook_id' | 'delivery_hash' | 'body_hash' | 'content' | 'content_type' | 'size' | 'form' | 'ip'>;
export type Receipt = Pick<WebhookPayload, 'id' | 'received_at'>;

/** Rows of `webhook_payloads`. */
@Injectable()
export class WebhookPayloadsRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  /** Of requests with this body one at a time gets past this, until the transaction ends. */
  async lockBody(webhookId: string, bodyHash: Buffer): Promise<void> {
    await this.sql.execute('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`webhook ${webhookId} ${bodyHash.toString('hex')}`]);
  }

  /** The first one with this body within so many seconds. */
  recent(tenantId: string, webhookId: string, bodyHash: Buffer, seconds: number): Promise<Receipt | undefined> {
    return this.sql.row<Receipt>(
      `select id, received_at from webhook_payloads where tenant_id = $1 and webhook_id = $2 and body_hash = $3 and received_at > now() - make_interval(secs => $4) order by received_at limit 1`,
      [tenantId, webhookId, bodyHash, seconds],
    );
  }

  byDelivery(tenantId: string, webhookId: string, deliveryHash: Buffer): Promise<Receipt | undefined> {
    return this.sql.row<Receipt>('select id, received_at from webhook_payloads where tenant_id = $1 and webhook_id = $2 and delivery_hash = $3', [tenantId, webhookId, deliveryHash]);
  }

  /** @returns undefined when there is one of its delivery already */
  insert(row: NewPayload): Promise<Receipt | undefined> {
    return this.sql.row<Receipt>(
      `insert into webhook_payloads (tenant_id, id, webhook_id, delivery_hash, body_hash, content, content_type, size, form, ip)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing returning id, received_at`,
      [row.tenant_id, row.id, row.webhook_id, row.delivery_hash, row.body_hash, row.content, row.content_type, row.size, row.form, row.ip],
    );
  }

  find(tenantId: string, id: string): Promise<WebhookPayload | null> {
    return this.of(tenantId).andWhere('payload.id = :id', { id }).getOne();
  }

  lock(id: string): Promise<WebhookPayload | null> {
    return lockRow(this.sql.manager, WebhookPayload, 'payload', id);
  }

  page(tenantId: string, webhookId: string, status: PayloadStatus | undefined, page: PageRequest): Promise<Page<WebhookPayload>> {
    const query = this.of(tenantId).andWhere('payload.webhook_id = :webhookId', { webhookId });
    if (status !== undefined) query.andWhere('payload.status = :status', { status });
    return pageOfQuery(query, page);
  }

  async handled(tenantId: string, id: string, { status, taskId, error }: { status: PayloadStatus; taskId: string | null; error: string | null }): Promise<void> {
    await this.sql.execute('update webhook_payloads set status = $3, task_id = coalesce($4, task_id), error = $5, handled_at = now() where tenant_id = $1 and id = $2', [tenantId, id, status, taskId, error]);
  }

  async again(tenantId: string, id: string): Promise<void> {
    await this.sql.execute(`update webhook_payloads set status = 'received', error = null, handled_at = null, replays = replays + 1 where tenant_id = $1 and id = $2`, [tenantId, id]);
  }

  /** Removes what came in so long ago, of all tenants. */
  removeOld(days: number, batch: number): Promise<number> {
    return this.database.execute('delete from webhook_payloads where ctid = any(array(select ctid from webhook_payloads where received_at < now() - make_interval(days => $1) limit $2))', [days, batch]);
  }

  private of(tenantId: string) {
    return this.sql.manager.createQueryBuilder(WebhookPayload, 'payload').where('payload.tenant_id = :tenantId', { tenantId });
  }
}
