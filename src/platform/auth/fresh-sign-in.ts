import { Problem } from '../../core/problem.js';
import type { RequestContext } from '../context/request-context.js';

const FRESH_SECONDS = 300;

/**
 * For what a session that was left open, or stolen, must not do: the person has proved within the last minutes who they are.
 * @throws Problem `fresh_sign_in_required`, also for credentials that are no person's session
 */
export function requireFreshSignIn(context: RequestContext, seconds: number = FRESH_SECONDS): void {
  const { actor } = context;
  const ageMs = actor.kind === 'user' ? Date.now() - actor.authenticatedAt.getTime() : Infinity;
  if (ageMs > seconds * 1000) throw new Problem('fresh_sign_in_required', { limit: seconds });
}

/**
 * For what gives rights to somebody, or takes a protection away: whoever may do it could give themselves the rest. So a key
 * of one scope, or a session that was left open, must not. Whoever holds ADMIN_TOKEN has the installation, and may.
 * @throws Problem `fresh_sign_in_required`
 */
export function requireFreshAuthority(context: RequestContext): void {
  if (context.actor.kind !== 'bootstrap') requireFreshSignIn(context);
}
