/** One documented second name of a resource. Segments in braces match one segment and keep their names. */
export interface Alias {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  from: string;
  to: string;
  /** What the second name asks for when its caller does not say. */
  query?: Readonly<Record<string, string>>;
}

/**
 * Second names, each for one operation that exists under its first. Requests are rewritten before routing, so there is
 * never a second controller. The table is also written to openapi/aliases.json.
 */
export const ALIASES: readonly Alias[] = [
  { method: 'GET', from: '/api/v1/api-keys', to: '/api/v1/security/api-keys' },
  { method: 'POST', from: '/api/v1/api-keys', to: '/api/v1/security/api-keys' },
  { method: 'GET', from: '/api/v1/admin/agents', to: '/api/v1/agents' },
  { method: 'POST', from: '/api/v1/admin/agents', to: '/api/v1/agents' },
  { method: 'POST', from: '/api/v1/tools/agents-live/{id}/kill', to: '/api/v1/agents/{id}/kill' },
  { method: 'POST', from: '/api/v1/tools/agents-live/{id}/pause', to: '/api/v1/agents/{id}/pause' },
  { method: 'POST', from: '/api/v1/tools/agents-live/{id}/resume', to: '/api/v1/agents/{id}/resume' },
  { method: 'GET', from: '/api/v1/queue', to: '/api/v1/tasks', query: { status: 'active' } },
  { method: 'PATCH', from: '/api/v1/queue/{id}', to: '/api/v1/tasks/{id}' },
  { method: 'DELETE', from: '/api/v1/queue/{id}', to: '/api/v1/tasks/{id}' },
  { method: 'GET', from: '/api/v1/compliance/audit-log', to: '/api/v1/admin/audit' },
  { method: 'GET', from: '/api/v1/tools/approvals', to: '/api/v1/approvals' },
  { method: 'PATCH', from: '/api/v1/tools/approvals/{id}', to: '/api/v1/approvals/{id}' },
  { method: 'POST', from: '/api/v1/approvals/{id}/redeem', to: '/api/v1/agent/approvals/{id}/redeem' },
  { method: 'GET', from: '/api/v1/health', to: '/health' },
];

interface CompiledAlias extends Alias {
  pattern: RegExp;
}

const COMPILED: readonly CompiledAlias[] = ALIASES.map((alias) => ({
  ...alias,
  pattern: new RegExp(`^${alias.from.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}/?$`, 'i'),
}));
/** First segments under which aliases live: a request elsewhere skips the table. */
const FIRST_SEGMENTS = new Set(ALIASES.map(({ from }) => from.split('/')[3]?.toLowerCase()));

/** The URL that routing sees: `/api/<x>` becomes `/api/v1/<x>`, then a second name becomes the first. */
export function canonicalUrl(method: string, url: string): string {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark);
  const versioned = /^\/api\/(?!v1(?:\/|$))/i.test(path) ? `/api/v1/${path.slice('/api/'.length)}` : path;
  const alias = FIRST_SEGMENTS.has(versioned.split('/')[3]?.toLowerCase()) ? find(method === 'HEAD' ? 'GET' : method, versioned) : undefined;
  return alias ? alias.path + withDefaults(query, alias.defaults) : versioned + query;
}

function find(method: string, path: string): { path: string; defaults: Readonly<Record<string, string>> } | undefined {
  for (const alias of COMPILED) {
    const match = alias.method === method ? alias.pattern.exec(path) : null;
    if (match) return { path: alias.to.replaceAll(/\{(\w+)\}/g, (_, name: string) => match.groups?.[name] ?? ''), defaults: alias.query ?? {} };
  }
  return undefined;
}

function withDefaults(query: string, defaults: Readonly<Record<string, string>>): string {
  const names = Object.keys(defaults);
  if (names.length === 0) return query;
  const given = new URLSearchParams(query);
  for (const name of names) if (!given.has(name)) given.set(name, defaults[name] ?? '');
  return `?${given.toString()}`;
}
