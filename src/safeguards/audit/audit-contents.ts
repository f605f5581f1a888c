import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { contentHash } from '../../core/audit/leaf.js';
import type { AuditContent, AuditRow, NewAuditRow, OpenedAuditRow } from './audit-row.entity.js';

const SALT_BYTES = 32;
const PLAIN = 0;

/** The columns that hold a row's content, and bind the row to it. */
export type ContentColumns = Pick<NewAuditRow, 'actor_label' | 'actor_label_hash' | 'content_form' | 'content' | 'salt' | 'content_hash'>;
/** What is needed of a row to read its content. */
export type StoredContent = Pick<AuditRow, 'tenant_id' | 'id' | 'subject_type' | 'subject_id' | 'content_form' | 'content' | 'salt'>;

/** Turns the content of rows into what is stored of it, and back. */
@Injectable()
export class AuditContents {
  async close(content: AuditContent): Promise<ContentColumns> {
    const [text, salt] = [JSON.stringify(content), randomBytes(SALT_BYTES)];
    return { actor_label: content.actor_label, actor_label_hash: null, content_form: PLAIN, content: Buffer.from(text, 'utf8'), salt, content_hash: contentHash(salt, text) };
  }

  /** @returns the text exactly as it was bound to the row; null when it was erased */
  async text({ content, salt }: StoredContent): Promise<{ text: string; salt: Buffer } | null> {
    return content && salt ? { text: content.toString('utf8'), salt } : null;
  }

  async open(row: AuditRow): Promise<OpenedAuditRow> {
    const stored = await this.text(row);
    return { row, content: stored ? (JSON.parse(stored.text) as AuditContent) : undefined };
  }
}
