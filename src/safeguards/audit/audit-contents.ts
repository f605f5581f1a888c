import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { contentHash } from '../../core/audit/leaf.js';
import { Problem } from '../../core/problem.js';
import { isDamage } from '../../platform/crypto/damage.js';
import { TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import { AuditKeys } from './audit-keys.js';
import type { AuditContent, AuditRow, LostContent, NewAuditRow, OpenedAuditRow } from './audit-row.entity.js';
import { type ContentPlace, placeOf } from './content-place.js';
import { PurgeRecords } from './purge-records.js';

const SALT_BYTES = 32;
const SEALED = 1;

/** The columns that hold a row's content, and bind the row to it. */
export type ContentColumns = Pick<NewAuditRow, 'actor_label' | 'actor_label_hash' | 'content_form' | 'content' | 'salt' | 'content_hash'>;
/** What is needed of a row to read its content. */
export type StoredContent = ContentPlace & Pick<AuditRow, 'content_form' | 'content' | 'salt'>;

/** What a row's hash binds. */
export interface BoundText {
  text: string;
  salt: Buffer;
}

/**
 * Turns the content of rows into what is stored of it, and back. It is sealed under the key of its subject, the salt with
 * it: when that key is destroyed, nobody can read it or tell by trying what it was, while the hash in the row stays.
 */
@Injectable()
export class AuditContents {
  constructor(
    private readonly cipher: TenantCipher,
    private readonly keys: AuditKeys,
    private readonly purges: PurgeRecords,
  ) {}

  async close(place: ContentPlace, content: AuditContent): Promise<ContentColumns> {
    const [text, salt] = [JSON.stringify(content), randomBytes(SALT_BYTES)];
    const [sealed, label] = await Promise.all([this.cipher.seal(placeOf(place), JSON.stringify([salt.toString('base64'), text])), this.keys.labelHash(place.tenant_id, content.actor_label)]);
    return { actor_label: null, actor_label_hash: label, content_form: SEALED, content: sealed, salt: null, content_hash: contentHash(salt, text) };
  }

  /** What a row has whose subject was purged: no content, and the hash of one that nobody knows. */
  none(): ContentColumns {
    return { actor_label: null, actor_label_hash: null, content_form: SEALED, content: null, salt: null, content_hash: contentHash(randomBytes(SALT_BYTES), 'null') };
  }

  /** @returns the text exactly as it was bound to the row, or why it cannot be read */
  async text(stored: StoredContent): Promise<BoundText | LostContent> {
    const { content, salt } = stored;
    if (content === null) return this.gone(stored);
    // Rows of the time before contents were sealed.
    if (stored.content_form !== SEALED) return salt ? { text: content.toString('utf8'), salt } : 'damaged';
    try {
      const [sealedSalt, text] = JSON.parse(await this.cipher.open(placeOf(stored), content)) as [string, string];
      return { text, salt: Buffer.from(sealedSalt, 'base64') };
    } catch (error) {
      if (error instanceof Problem && error.code === 'erased') return this.gone(stored);
      if (isDamage(error)) return 'damaged';
      throw error;
    }
  }

  async open(row: AuditRow): Promise<OpenedAuditRow> {
    const stored = await this.text(row);
    return { row, content: typeof stored === 'string' ? stored : (JSON.parse(stored.text) as AuditContent) };
  }

  /** Whether a label that a row is found by is the one in its content. */
  async isFoundBy(tenantId: string, text: string, hash: Buffer | null): Promise<boolean> {
    if (hash === null) return true;
    return (await this.labelHash(tenantId, text)).equals(hash);
  }

  private labelHash(tenantId: string, text: string): Promise<Buffer> {
    return this.keys.labelHash(tenantId, (JSON.parse(text) as AuditContent).actor_label);
  }

  /** Content, or its key, that is not there is believed to be erased when a purge has said so. */
  private async gone(place: ContentPlace): Promise<LostContent> {
    return (await this.purges.vouchFor(place)) ? 'erased' : 'missing';
  }
}
