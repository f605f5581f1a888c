import { canonicalJson } from '../../core/canonical-json.js';
import type { ApprovalLink } from './approval-link.entity.js';
import type { Approval } from './approval.entity.js';

const STYLE = 'body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}pre{background:#f4f4f5;padding:1rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}button{font:inherit;padding:.6rem 1.4rem}';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** Characters that show nothing, or show others in another order than they stand in: who decides sees that they are there. */
const UNSEEN = /[^\S \n]|\p{Cc}|\p{Cf}/gu;
const shown = (text: string): string => text.replaceAll(UNSEEN, (character) => (character === '\n' ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`));
const escaped = (text: string): string => shown(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>${title}</title><style>${STYLE}</style></head><body>${body}</body></html>\n`;

/** Asks whether the decision is meant. What looks at links by itself, as scanners of mail do, decides nothing: the button sends a POST. */
export function confirmationPage({ decision }: ApprovalLink, { title, description, action, action_hash, risk }: Approval): string {
  const verb = decision === 'approved' ? 'Approve' : 'Reject';
  const why = description === null ? '' : `<p>${escaped(description)}</p>`;
  return page(
    `${verb}?`,
    `<h1>${verb}?</h1><p><strong>${escaped(title)}</strong></p>${why}<p>${escaped(action.kind)}${risk === null ? '' : `, risk ${risk}`}</p><pre>${escaped(canonicalJson(action.arguments))}</pre><p>SHA-256 <code>${action_hash}</code></p><form method="post"><button type="submit">${verb}</button></form>`,
  );
}

export const decidedPage = ({ title, status, decisions, min_approvals: needed }: Approval): string =>
  page('Decided', `<h1>Thank you</h1><p><strong>${escaped(title)}</strong> is ${status}${status === 'pending' ? `: ${decisions.length} of ${needed} have approved` : ''}.</p>`);
