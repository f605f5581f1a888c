import type { Actor } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import type { ProblemCode } from '../../core/problem-catalogue.js';

/** The refusal of somebody whose credentials are good and who may do nothing now: the denial is recorded as theirs. */
export class RefusedActor extends Problem {
  constructor(
    code: Extract<ProblemCode, 'tenant_suspended' | 'account_disabled' | 'agent_killed' | 'agent_inactive' | 'mfa_setup_required' | 'address_not_allowed'>,
    readonly actor: Actor,
  ) {
    super(code);
  }
}
