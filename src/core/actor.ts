/**
 * Who is calling. An actor is made once per request by the access guard (or by a job, as `system`) and lives in the
 * request's context; everything that authorises, audits or attributes reads it from there.
 */
export const ROLES = ['admin', 'user', 'client'] as const;
export type Role = (typeof ROLES)[number];

/** Why somebody may do nothing but one thing for now: the policy asks for a second factor and there is none, or the password is too old for it. */
export type Restriction = 'mfa_setup' | 'password_expired';

/** A person with a session. */
export interface UserActor {
  readonly kind: 'user';
  readonly id: string;
  readonly tenantId: string;
  readonly role: Role;
  readonly sessionId: string;
  /** When the person last proved who they are (on this process's wall clock), by signing in or by doing it again. */
  readonly authenticatedAt: Date;
  /** Whether the session was opened with a second factor. */
  readonly mfa: boolean;
  readonly restricted?: Restriction;
  /** E-mail address, for audit rows and logs of the own tenant. */
  readonly label: string;
}

/** A program with an API key. It may do what its scopes say, and never more than its owner may do now. */
export interface ApiKeyActor {
  readonly kind: 'api_key';
  readonly id: string;
  readonly tenantId: string;
  /** The owner's role at this moment, not at the time the key was made. */
  readonly role: Role;
  readonly ownerId: string;
  readonly scopes: readonly string[];
  /** The owner's. */
  readonly restricted?: Restriction;
  readonly label: string;
}

/** An agent with a token of its own (or the tenant's bootstrap token from the environment). */
export interface AgentActor {
  readonly kind: 'agent';
  readonly id: string;
  readonly tenantId: string;
  readonly tokenId: string;
  readonly label: string;
}

/** The id of whoever shows `ADMIN_TOKEN`: it is no user's. */
export const BOOTSTRAP_ADMIN_ID = 'bootstrap-admin';

/** `ADMIN_TOKEN` from the environment: an admin of the operator tenant, before there are people. */
export interface BootstrapActor {
  readonly kind: 'bootstrap';
  readonly id: string;
  readonly tenantId: string;
  readonly role: 'admin';
  readonly label: string;
}

/** The plane itself: reapers, followers, jobs. */
export interface SystemActor {
  readonly kind: 'system';
  readonly id: string;
  readonly tenantId: string;
  readonly label: string;
}

export type Actor = UserActor | ApiKeyActor | AgentActor | BootstrapActor | SystemActor;

/** The plane acting for a tenant; `name` says which part of it (`lease-reaper`). */
export function systemActor(tenantId: string, name: string): SystemActor {
  return { kind: 'system', id: name, tenantId, label: name };
}

/** The person behind an actor, as `user:<id>`, also where they come with a key; others by their kind. They approve nothing that they have asked for. */
export function personOf(actor: Actor): string {
  return actor.kind === 'api_key' ? `user:${actor.ownerId}` : `${actor.kind}:${actor.id}`;
}

/** The role that bounds an actor, or undefined for agents and the plane itself. */
export function roleOf(actor: Actor): Role | undefined {
  return 'role' in actor ? actor.role : undefined;
}
