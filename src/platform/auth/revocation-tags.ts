import type { Actor } from '../../core/actor.js';
import { networksTag } from './network-rules.port.js';

/** The tags of everything that an actor's right to call rests on: whoever keeps a connection open ends it with them. */
export function revocationTagsOf(actor: Actor): string[] {
  const tenant = [`tenant:${actor.tenantId}`, networksTag(actor.tenantId)];
  switch (actor.kind) {
    case 'user':
      return [...tenant, `user:${actor.id}`, `session:${actor.sessionId}`, `security-of:${actor.tenantId}`];
    case 'api_key':
      return [...tenant, `api-key:${actor.id}`, `user:${actor.ownerId}`, `security-of:${actor.tenantId}`];
    case 'agent':
      return [...tenant, `agent:${actor.id}`];
    case 'bootstrap':
    case 'system':
      return tenant;
    default:
      return actor satisfies never;
  }
}
