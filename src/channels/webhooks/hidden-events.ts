import type { Actor } from '../../core/actor.js';
import { lackingFor, roleSees } from '../../core/event-families.js';
import { eventNames } from '../../core/event.js';
import type { Webhook } from './webhook.entity.js';

/** Events that a subscription is not sent, since who said last where it sends what may not see them. */
export const hiddenFrom = (sight: Webhook['sees_as']): string[] => eventNames().filter((name) => !roleSees(sight, name));

/** Events that a caller may not be told of. */
export const hiddenFromCaller = (actor: Actor): string[] => eventNames().filter((name) => lackingFor(actor, [name]) !== undefined);
