import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { contentHash } from '../../core/audit/leaf.js';
import { Problem } from '../../core/problem.js';
import { type SealedPlace, TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import { databaseErrorCode, databaseProblem } from '../../platform/database/database-problem.js';
import { AuditKeys } from './audit-keys.js';
import type { AuditContent, AuditRow, NewAuditRow, OpenedAuditRow } from './audit-row.entity.js';

const SALT_BYTES = 32;
const SEALED = 1;
/** What stands for bytes that nobody sealed here: it fits no row. */
const UNREADABLE = { text: 'null', salt: Buffer.alloc(SALT_BYTES) };

/** The columns that hold a row's content, and bind the row to it. */
export type ContentColumns = Pick<NewAuditRow, 'actor_label' | 'actor_label_hash' | 'content_form' | 'content' | 'salt' | 'content_hash'>;
/** Where a row stands, and whose its content is. */
export type ContentPlace = Pick<AuditRow, 'tenant_id' | 'id' | 'subject_type' | 'subject_id'>;
/** What is needed of a row to read its content. */
export type StoredContent = ContentPlace & Pick<AuditRow, 'content_form' | 'content' | 'salt'>;

/**
 * Turns the content of rows into what is stored of it, and back. It is sealed under the key of its subject, the salt with
 * it: when that key is destroyed, nobody can read it or tell by trying what it was, while the hash in the row stays.
 */
@Injectable()
export class AuditContents {
  constructor(
    private readonly cipher: TenantCipher,
    private readonly keys: AuditKeys,
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

  /** @returns the text exactly as it was bound to the row; null when it was erased */
  async text(stored: StoredContent): Promise<{ text: string; salt: Buffer } | null> {
    const { content, salt } = stored;
    if (content === null) return null;
    // Rows of the time before contents were sealed.
    if (stored.content_form !== SEALED) return salt && { text: content.toString('utf8'), salt };
    try {
      const [sealedSalt, text] = JSON.parse(await this.cipher.open(placeOf(stored), content)) as [string, string];
      return { text, salt: Buffer.from(sealedSalt, 'base64') };
    } catch (error) {
      if (error instanceof Problem && error.code === 'erased') return null;
      // Problems and errors of the database pass; all else means that the bytes are not what was sealed.
      if (error instanceof Problem || databaseErrorCode(error) !== undefined || databaseProblem(error)) throw error;
      return UNREADABLE;
    }
  }

  async open(row: AuditRow): Promise<OpenedAuditRow> {
    const stored = await this.text(row);
    return { row, content: stored ? ((JSON.parse(stored.text) as AuditContent | null) ?? undefined) : undefined };
  }
}

function placeOf({ tenant_id: tenantId, id, subject_type: type, subject_id: subjectId }: ContentPlace): SealedPlace {
  return { tenantId, row: `audit_log/${id}/content`, ...(type && subjectId ? { subject: { type, id: subjectId } } : {}) };
}
