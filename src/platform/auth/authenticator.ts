import { Injectable } from '@nestjs/common';
import type { Actor, Restriction } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { RequestContext } from '../context/request-context.js';
import type { Credential } from './credentials.js';
import { NetworkRules } from './network-rules.port.js';
import { REFUSAL_OF_RESTRICTED, RefusedActor } from './refused-actor.js';

/**
 * Checks one kind of credential. A domain implements it and registers it at start.
 * @returns the actor, or undefined when the credential is not valid
 * @throws RefusedActor when it is valid but refused for a reason the caller may know (`agent_killed`, `tenant_suspended`)
 */
export interface CredentialVerifier {
  verify(credential: Credential): Promise<Actor | undefined>;
}

/** Finds out who is calling, whatever kind of credential they brought, and from where: the context's address. */
@Injectable()
export class Authenticator {
  private readonly verifiers = new Map<Credential['kind'], CredentialVerifier[]>();

  constructor(
    private readonly context: RequestContext,
    private readonly networks: NetworkRules,
  ) {}

  /** Several may check one kind (a bare bearer token has no form of its own); the first that knows it wins. */
  register(kind: Credential['kind'], verifier: CredentialVerifier): void {
    this.verifiers.set(kind, [...(this.verifiers.get(kind) ?? []), verifier]);
  }

  /**
   * @param whileRestricted for which restrictions it is what the person has to do first
   * @throws Problem `unauthenticated` for a credential that is absent, unknown, expired or revoked
   * @throws RefusedActor `mfa_setup_required`, `password_expired`, `address_not_allowed`, and what the verifiers throw
   */
  async authenticate(credential: Credential | undefined, whileRestricted: readonly Restriction[] = []): Promise<Actor> {
    for (const verifier of (credential && this.verifiers.get(credential.kind)) ?? []) {
      const actor = await verifier.verify(credential as Credential);
      if (!actor) continue;
      if (!(await this.networks.admits(actor.tenantId, this.context.get('ip')))) throw new RefusedActor('address_not_allowed', actor);
      if ('restricted' in actor && actor.restricted && !whileRestricted.includes(actor.restricted)) throw new RefusedActor(REFUSAL_OF_RESTRICTED[actor.restricted], actor);
      return actor;
    }
    throw new Problem('unauthenticated');
  }
}
