import type { Actor, Restriction } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import type { ProblemCode } from '../../core/problem-catalogue.js';

/** Why somebody whose credentials are good may do nothing now. They are told before it is asked what they may do. */
export const REFUSALS_OF_ACTORS = ['tenant_suspended', 'account_disabled', 'agent_killed', 'agent_inactive', 'mfa_setup_required', 'password_expired', 'second_factor_missing', 'address_not_allowed'] as const satisfies readonly ProblemCode[];

/** How those are refused who have to do something else first. */
export const REFUSAL_OF_RESTRICTED = { mfa_setup: 'mfa_setup_required', password_expired: 'password_expired' } as const satisfies Record<Restriction, (typeof REFUSALS_OF_ACTORS)[number]>;

/** The refusal of somebody whose credentials are good and who may do nothing now: the denial is recorded as theirs. */
export class RefusedActor extends Problem {
  constructor(
    code: (typeof REFUSALS_OF_ACTORS)[number],
    readonly actor: Actor,
  ) {
    super(code);
  }
}
