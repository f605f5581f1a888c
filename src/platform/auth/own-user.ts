import type { UserActor } from '../../core/actor.js';
import { invalidField, Problem } from '../../core/problem.js';
import type { RequestContext } from '../context/request-context.js';

/**
 * The user behind the credentials: the person, or the owner of the API key.
 * @throws Problem `forbidden` when they are nobody's (a bootstrap token), `invalid_request` when an operator named
 * another tenant: what is one's own lies in one's own tenant
 */
export function ownUserId(context: RequestContext): string {
  const { actor } = context;
  if (actor.kind !== 'user' && actor.kind !== 'api_key') throw new Problem('forbidden', { detail: 'These credentials belong to no user.' });
  if (context.tenantId !== actor.tenantId) throw invalidField('tenant_id', 'unknown_field', 'is not a field of this request');
  return actor.kind === 'user' ? actor.id : actor.ownerId;
}

/**
 * The person who calls, with a session: for what is theirs to do and no program's.
 * @throws Problem `forbidden`, and what `ownUserId` throws
 */
export function ownPerson(context: RequestContext): UserActor {
  ownUserId(context);
  const { actor } = context;
  if (actor.kind !== 'user') throw new Problem('forbidden', { detail: 'Only the person, with a session, may do this.' });
  return actor;
}
