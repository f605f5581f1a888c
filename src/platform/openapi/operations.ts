import { PERMISSIONS, type Permission } from '../../core/permissions.js';
import { ALIASES } from '../http/aliases.js';
import { RATE_LIMITS, type RateLimitName } from '../limits/rate-limits.js';
import type { OperationObject, PlacedOperation } from './document.types.js';

/** What a declared operation means, in the words of the document. */
export interface Meaning {
  permission: Permission | 'public';
  roles: string[];
  limits: { name: RateLimitName; limit: number; window_seconds: number; counts: string }[];
}

/** @throws Error for an operation that declares no permission: such a route is reachable by nobody */
export function meaningOf({ operation, path, method }: PlacedOperation): Meaning {
  const permission = operation['x-permission'] as Permission | 'public' | undefined;
  if (permission === undefined) throw new Error(`${method.toUpperCase()} ${path} has no @Operation.`);
  const own = operation['x-ratelimit'] as RateLimitName | undefined;
  return { permission, roles: rolesOf(permission), limits: limitsOf(permission, own).map(describeLimit) };
}

/** Roles that have the permission; `agent` for agents' tokens; `anyone` when no credentials are needed. */
function rolesOf(permission: Permission | 'public'): string[] {
  if (permission === 'public') return ['anyone'];
  const entry: { roles: readonly string[]; agent?: boolean } = PERMISSIONS[permission];
  return [...entry.roles, ...(entry.agent ? ['agent'] : [])];
}

/** Everything with credentials also counts against `api`, and failed credentials against a limit of their own. */
function limitsOf(permission: Permission | 'public', own: RateLimitName | undefined): RateLimitName[] {
  const limits: RateLimitName[] = own ? [own] : [];
  if (permission === 'public') return limits;
  return [...limits, 'api', rolesOf(permission).includes('agent') ? 'agent-auth' : 'auth'];
}

function describeLimit(name: RateLimitName): Meaning['limits'][number] {
  const { points, seconds, counts } = RATE_LIMITS[name];
  return { name, limit: points, window_seconds: seconds, counts };
}

/** Summary, description, roles and limits of one operation. */
export function describeOperation(placed: PlacedOperation): Meaning {
  const { operation } = placed;
  const meaning = meaningOf(placed);
  const comment = tidy(operation.summary ?? '');
  const aliases = aliasesOf(placed);
  operation.summary = firstSentence(comment);
  operation.description = [comment, tableOf(operation, meaning), ...(aliases.length > 0 ? [`Also answers at ${aliases.map((alias) => `\`${alias}\``).join(', ')}.`] : [])].filter(Boolean).join('\n\n');
  operation['x-roles'] = meaning.roles;
  operation['x-ratelimit'] = meaning.limits;
  if (aliases.length > 0) operation['x-aliases'] = aliases;
  operation.security = (operation.security ?? []).map((scheme) => (placed.method !== 'get' && 'session-cookie' in scheme ? { ...scheme, 'csrf-token': [] } : scheme));
  return meaning;
}

/** A comment as prose: its line breaks are the source's, its blank lines are paragraphs. */
function tidy(comment: string): string {
  return comment
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
    .join('\n\n')
    .trim();
}

/** Without its full stop, as summaries are written. */
function firstSentence(text: string): string {
  const end = /[.!?](?=\s+[A-Z`]|\s*$)/.exec(text);
  return (end ? text.slice(0, end.index) : text).split('\n')[0] ?? '';
}

function tableOf(operation: OperationObject, { permission, roles, limits }: Meaning): string {
  const who = permission === 'public' ? 'anyone' : `${roles.join(', ')} (scope \`${permission}\`)`;
  const counted = limits.map(({ limit, window_seconds: seconds, counts }) => `${limit} ${counts} in ${seconds} s`).join('; ') || 'none';
  return `| Who may call | Limits | Audited |\n| --- | --- | --- |\n| ${who} | ${counted} | ${operation['x-audited'] ? 'yes' : 'no'} |`;
}

function aliasesOf({ path, method }: PlacedOperation): string[] {
  return ALIASES.filter((alias) => alias.method.toLowerCase() === method && alias.to === path).map((alias) => `${alias.method} ${alias.from}`);
}
