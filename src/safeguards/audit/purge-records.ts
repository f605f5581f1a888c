import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { isPurgeOf, PURGE_ACTION } from '../../core/audit/purge-record.js';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { isDamage } from '../../platform/crypto/damage.js';
import { TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { type ContentPlace, placeOf } from './content-place.js';
import type { AuditContent } from './audit-row.entity.js';

type Subject = { type: string; id: string };

const MOST_KNOWN = 10_000;
/** A purge has one row; who adds others that open to nothing does not make it slow. */
const MOST_ROWS = 20;

/**
 * What vouches for content that is gone. That a key is not there any more anybody can bring about who writes the database; the row
 * that a purge wrote about it is sealed, under a key that the purge leaves standing.
 */
@Injectable()
export class PurgeRecords {
  /** A purge is for ever. */
  private readonly known = new LRUCache<string, true>({ max: MOST_KNOWN });

  constructor(
    private readonly cipher: TenantCipher,
    private readonly database: SystemDatabase,
  ) {}

  /** Whether the subject of a row was purged, or the tenant; also while that is under way. */
  async vouchFor({ tenant_id: tenantId, subject_type: type, subject_id: id }: ContentPlace): Promise<boolean> {
    if (type !== null && id !== null && (await this.isPurged(tenantId, { type, id }))) return true;
    return this.isPurged(OPERATOR_TENANT_ID, { type: 'tenant', id: tenantId });
  }

  /** @param tenantId in whose log it is said */
  private async isPurged(tenantId: string, subject: Subject): Promise<boolean> {
    const key = `${tenantId}/${subject.type}/${subject.id}`;
    if (this.known.has(key)) return true;
    const rows = await this.database.query<ContentPlace & { content: Buffer }>(
      `select tenant_id, id, subject_type, subject_id, content from audit_log
       where tenant_id = $1 and resource_type = $2 and resource_id = $3 and action = $4 and outcome = 'done' and content_form = 1 and content is not null order by id limit $5`,
      [tenantId, subject.type, subject.id, PURGE_ACTION, MOST_ROWS],
    );
    for (const row of rows) {
      if (!isPurgeOf(await this.detailOf(row, row.content), subject)) continue;
      this.known.set(key, true);
      return true;
    }
    return false;
  }

  /** Null for what does not open: a purged tenant's own log says it under a key that went too. */
  private async detailOf(place: ContentPlace, content: Buffer): Promise<object | null> {
    try {
      const [, text] = JSON.parse(await this.cipher.open(placeOf(place), content)) as [string, string];
      return (JSON.parse(text) as AuditContent).detail;
    } catch (error) {
      if (isDamage(error) || (error instanceof Problem && error.code === 'erased')) return null;
      throw error;
    }
  }
}
