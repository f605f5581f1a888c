import { isId } from '../../core/ids.js';
import type { Notice } from '../../platform/notifications/notifier.port.js';
import type { NewNotification } from './notification.entity.js';

const LONGEST = { type: 60, title: 300, body: 5_000, link: 1_000, key: 300 } as const;
const LARGEST_METADATA = 16_384;

/** A notice as it is stored: what is too long is cut, what PostgreSQL holds no text for is left out. */
export function writtenNotice({ type, severity, title, body, link, metadata, key, agentId }: Notice): Omit<NewNotification, 'id' | 'inbox'> {
  return {
    type: cut(type, LONGEST.type),
    severity,
    title: cut(title, LONGEST.title) || 'Notice',
    body: body === undefined ? null : cut(body, LONGEST.body),
    link: link !== undefined && isSafeLink(link) ? link : null,
    metadata: kept(metadata),
    key: key === undefined ? null : cut(key, LONGEST.key),
    agent_id: isId(agentId) ? agentId : null,
  };
}

/** Whoever clicks it stays here, or sees where he goes: no `javascript:`, no address that only looks like a path. */
function isSafeLink(link: string): boolean {
  if (link.length > LONGEST.link || /[\s\\\p{Cc}]/u.test(link)) return false;
  return /^\/(?!\/)/.test(link) || (/^https?:\/\//i.test(link) && URL.canParse(link));
}

function cut(text: string, longest: number): string {
  const clean = text.replaceAll('\0', '').toWellFormed();
  return clean.length > longest ? `${clean.slice(0, longest - 1).toWellFormed()}…` : clean;
}

function kept(metadata: object | undefined): object {
  const text = JSON.stringify(metadata ?? {});
  if (Buffer.byteLength(text) > LARGEST_METADATA) return { omitted: 'too large' };
  // A lone surrogate or a NUL is JSON, and nothing that jsonb can hold.
  const isHeld = !/\\u(?:0000|d[89a-f])/i.test(text) && !Array.isArray(metadata);
  return isHeld ? (JSON.parse(text) as object) : { omitted: 'cannot be stored' };
}
