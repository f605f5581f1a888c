import type { PlacedOperation } from '../../../src/platform/openapi/document.types.js';
import { successOf } from '../openapi-document.js';
import type { Answer, Caller } from './callers.js';

export const hasIds = ({ path }: PlacedOperation): boolean => path.includes('{');

/** Operations that only the operator's own administrators may do; the document says so of them in words. */
export const isForOperators = ({ operation }: PlacedOperation): boolean => operation['x-permission'] === 'tenant:write';

/** Operations on the caller's own session or account: callers that are no person are told so, and people would lose their session. */
export const isOwnAccount = ({ operation }: PlacedOperation): boolean => operation['x-permission']?.startsWith('profile:') ?? false;

/** What belongs to a person: callers without an account of their own, and keys, may be told that it is not for them. */
export const needsPerson = (placed: PlacedOperation, caller: Caller): boolean =>
  (isOwnAccount(placed) && caller.headers['authorization'] === undefined) || ((isOwnAccount(placed) || placed.operation['x-permission'] === 'api-key:write' || placed.operation.operationId === 'createApprovalLinks') && caller.actsFor !== undefined);

/** What takes a lease besides the permission, and a grant: the matrix's agents hold none, so they learn nothing, not even what there is. */
export const takesLease = ({ operation }: PlacedOperation): boolean => operation['x-permission'] === 'secret:use';

const codesOf = ({ operation }: PlacedOperation, status: number): readonly string[] => operation.responses[String(status)]?.['x-problem-codes'] ?? [];

/** What the document says a caller may do with an operation, before any id is looked at: `reaches`, or the code of the refusal. */
export function verdict(placed: PlacedOperation, caller: Caller): string {
  const { 'x-roles': roles = [], 'x-permission': permission } = placed.operation;
  if (roles.includes('anyone')) return 'reaches';
  if (caller.refusedWith !== undefined) return caller.refusedWith;
  if (caller.roles.length === 0) return 'unauthenticated';
  const inRole = caller.roles.some((role) => roles.includes(role));
  return inRole && (caller.scope === undefined || caller.scope === permission) ? 'reaches' : 'forbidden';
}

/** Whether the document leaves it open what becomes of somebody who lacks a second factor: they may do what sets one up. */
export const isLeftOpen = (placed: PlacedOperation, { refusedWith }: Caller): boolean => refusedWith === 'mfa_setup_required' && !codesOf(placed, 403).includes(refusedWith);

/** Whether the document has an answer: its status, and the code of a refusal. */
export const isDocumented = (placed: PlacedOperation, { status, code }: Answer): boolean => (status < 300 ? status === successOf(placed.operation).status : codesOf(placed, status).includes(code));

export const shown = ({ status, code, text }: Answer): string => `${status} ${code || text.slice(0, 120)}`;
