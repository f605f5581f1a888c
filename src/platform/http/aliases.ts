/** One documented second name of a resource. Segments in braces match one segment and keep their names. */
export interface Alias {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  from: string;
  to: string;
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
  { method: 'DELETE', from: '/api/v1/queue/{id}', to: '/api/v1/tasks/{id}' },
  { method: 'GET', from: '/api/v1/compliance/audit-log', to: '/api/v1/admin/audit' },
  { method: 'GET', from: '/api/v1/tools/approvals', to: '/api/v1/approvals' },
  { method: 'PATCH', from: '/api/v1/tools/approvals/{id}', to: '/api/v1/approvals/{id}' },
  { method: 'GET', from: '/api/v1/health', to: '/health' },
];

interface CompiledAlias {
  method: string;
  pattern: RegExp;
  to: string;
}

const compile = ({ method, from, to }: Alias): CompiledAlias => ({
  method,
  pattern: new RegExp(`^${from.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}/?$`, 'i'),
  to,
});

const COMPILED = ALIASES.map(compile);
/** First segments under which aliases live: a request elsewhere skips the table. */
const FIRST_SEGMENTS = new Set(ALIASES.map(({ from }) => from.split('/')[3]?.toLowerCase()));

/**
 * The path that routing sees: `/api/<x>` becomes `/api/v1/<x>`, then a second name becomes the first.
 * @param path without query
 */
export function canonicalPath(method: string, path: string): string {
  const versioned = /^\/api\/(?!v1(?:\/|$))/i.test(path) ? `/api/v1/${path.slice('/api/'.length)}` : path;
  if (!FIRST_SEGMENTS.has(versioned.split('/')[3]?.toLowerCase())) return versioned;
  const effective = method === 'HEAD' ? 'GET' : method;
  for (const alias of COMPILED) {
    const groups = alias.method === effective ? alias.pattern.exec(versioned)?.groups : undefined;
    if (groups) return alias.to.replaceAll(/\{(\w+)\}/g, (_, name: string) => groups[name] ?? '');
    if (alias.method === effective && alias.pattern.test(versioned)) return alias.to;
  }
  return versioned;
}
