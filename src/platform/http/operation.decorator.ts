import { applyDecorators, Controller, HttpCode, SetMetadata, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiOperation, ApiResponse, ApiSecurity, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { Restriction } from '../../core/actor.js';
import { PERMISSIONS, type Permission } from '../../core/permissions.js';
import { PROBLEMS, type ProblemCode } from '../../core/problem-catalogue.js';
import { REFUSAL_OF_RESTRICTED, REFUSALS_OF_ACTORS } from '../auth/refused-actor.js';
import type { RateLimitName } from '../limits/rate-limits.js';
import { PageView, ProblemView } from './page.view.js';

/** What a successful answer carries. */
export type Returns = Type | PagedType | EitherType | typeof NO_CONTENT | typeof REDIRECT | typeof EVENT_STREAM | { text: string };
export interface PagedType {
  page: Type;
}
export interface EitherType {
  either: readonly Type[];
}
export const NO_CONTENT = 'no-content';
/** The browser goes on elsewhere: a status of 302 or 303 with a `Location`. */
export const REDIRECT = 'redirect';
/** Server-sent events (WHATWG HTML, section 9.2). */
export const EVENT_STREAM = 'event-stream';

/** A page of `item`s. */
export const pageOf = (item: Type): PagedType => ({ page: item });

/** One of several answers. */
export const eitherOf = (...types: Type[]): EitherType => ({ either: types });

export interface OperationOptions {
  /** operationId: unique, stable, the name that generated clients use. */
  id: string;
  /** The permission that it takes, or `public`. */
  allow: Permission | 'public';
  returns: Returns;
  /** Status of a successful answer; 201 for POST that creates. Default 200, or 204 without content. */
  status?: number;
  /** Codes beyond those that every operation may answer. */
  problems?: readonly ProblemCode[];
  /** Which limit of `platform/limits` it counts against. */
  rateLimit?: RateLimitName;
  /** Whether a successful call leaves an audit row. Default: every permission that is not `:read` or an agent's. */
  audited?: boolean;
  /**
   * How an `Idempotency-Key` is kept. `atomic` (the default): the answer is stored in the transaction of the change.
   * `outside`: for operations that hash passwords or commit by themselves; the answer is stored right after them.
   * `none`: for readings whose answer may not be stored, and of which each counts for itself.
   */
  idempotency?: 'atomic' | 'outside' | 'none';
  /** The restrictions under which a person may call it all the same. Default: none. */
  whileRestricted?: readonly Restriction[];
}

export interface OperationMeta extends OperationOptions {
  audited: boolean;
}

export const OPERATION = 'wheelhouse:operation';

const isAuditedByDefault = (allow: OperationOptions['allow']): boolean => allow !== 'public' && !allow.endsWith(':read') && allow !== 'agent:work';

/**
 * The one line that opens a route: who may call it, what it answers, what can go wrong. It feeds the access guard and
 * the OpenAPI document alike; a route without it is refused.
 */
export function Operation(options: OperationOptions): MethodDecorator {
  const meta: OperationMeta = { ...options, audited: options.audited ?? isAuditedByDefault(options.allow) };
  const status = options.status ?? (options.returns === NO_CONTENT ? 204 : 200);
  return applyDecorators(
    SetMetadata(OPERATION, meta),
    HttpCode(status),
    ApiOperation({
      operationId: options.id,
      'x-permission': options.allow,
      'x-audited': meta.audited,
      ...(options.rateLimit ? { 'x-ratelimit': options.rateLimit } : {}),
    } as Parameters<typeof ApiOperation>[0]),
    ...successResponse(options.returns, status),
    ...problemResponses(options),
    ...security(options.allow),
  );
}

function successResponse(returns: Returns, status: number): MethodDecorator[] {
  if (returns === NO_CONTENT) return [ApiResponse({ status, description: 'Done.' })];
  if (returns === REDIRECT) return [ApiResponse({ status, description: 'The browser goes on at `Location`.' })];
  if (returns === EVENT_STREAM) {
    return [ApiResponse({ status, description: 'A stream of server-sent events.', content: { 'text/event-stream': { schema: { type: 'string' } } } })];
  }
  if (typeof returns === 'object' && 'text' in returns) {
    return [ApiResponse({ status, description: 'Text.', content: { [returns.text]: { schema: { type: 'string' } } } })];
  }
  if (typeof returns === 'object' && 'either' in returns) {
    const schema = { anyOf: returns.either.map((type) => ({ $ref: getSchemaPath(type) })) };
    return [ApiExtraModels(...returns.either), ApiResponse({ status, description: 'One of these answers.', schema })];
  }
  if (typeof returns === 'object' && 'page' in returns) {
    const schema = { allOf: [{ $ref: getSchemaPath(PageView) }, { type: 'object', required: ['items'], properties: { items: { type: 'array', items: { $ref: getSchemaPath(returns.page) } } } }] };
    return [ApiExtraModels(PageView, returns.page), ApiResponse({ status, description: 'One page.', schema })];
  }
  return [ApiResponse({ status, description: 'The answer.', type: returns })];
}

/** Problems grouped by status; each response lists its codes under `x-problem-codes`. */
function problemResponses({ allow, problems = [], rateLimit, whileRestricted = [] }: OperationOptions): MethodDecorator[] {
  const common: ProblemCode[] = ['invalid_request', 'internal', 'unavailable'];
  // Whatever the operation allows: who calls is looked at before it is asked whether they may do this.
  if (allow !== 'public') common.push('unauthenticated', 'token_expired', 'forbidden', 'rate_limited', ...REFUSALS_OF_ACTORS.filter((code) => !whileRestricted.some((restriction) => REFUSAL_OF_RESTRICTED[restriction] === code)));
  // An agent of a shared credential comes into being with its first call.
  if (allow !== 'public' && takesAgents(allow)) common.push('plan_limit_reached');
  if (rateLimit) common.push('rate_limited');
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set([...common, ...problems])) byStatus.set(PROBLEMS[code].status, [...(byStatus.get(PROBLEMS[code].status) ?? []), code]);
  return [...byStatus].map(([status, codes]) =>
    ApiResponse({
      status,
      description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].detail}`).join('\n\n'),
      content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemView) } } },
      'x-problem-codes': codes,
    } as Parameters<typeof ApiResponse>[0]),
  );
}

const takesAgents = (allow: Permission): boolean => (PERMISSIONS[allow] as { agent?: boolean }).agent === true;

function security(allow: OperationOptions['allow']): MethodDecorator[] {
  if (allow === 'public') return [];
  const entry: { roles: readonly string[]; agent?: boolean } = PERMISSIONS[allow];
  const schemes = [...(entry.roles.length > 0 ? ['bearer', 'api-key', 'session-cookie'] : []), ...(entry.agent ? ['agent-token'] : [])];
  return schemes.map((scheme) => ApiSecurity(scheme));
}

/** A controller under `/api/v1`, filed in the document under its wing and domain (`Work / Tasks`). */
export function ApiController(path: string, tag: string): ClassDecorator {
  return applyDecorators(Controller(`api/v1/${path}`), ApiTags(tag), ApiExtraModels(ProblemView));
}
