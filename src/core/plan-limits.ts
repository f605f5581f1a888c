/** What a tenant can have at most so and so many of. */
export const LIMITED_THINGS = ['agents', 'boards', 'users', 'open_tasks', 'api_keys', 'secrets', 'webhooks', 'triggers', 'workflows', 'open_workflow_runs', 'waiting_approvals'] as const;
export type LimitedThing = (typeof LIMITED_THINGS)[number];

/** Every limit of a tenant, by name. */
export const LIMIT_NAMES = [...LIMITED_THINGS, 'requests_per_minute'] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** Limits by name; null is none, and what is left out is for somebody else to say. */
export type Limits = Partial<Record<LimitName, number | null>>;

export const HIGHEST_LIMIT = 1_000_000_000;

/** The limit that holds: the tenant's own before that of its plan, and none where neither says one. */
export function limitOf(name: LimitName, own: Limits, ofPlan: Limits | undefined): number | null {
  return own[name] === undefined ? (ofPlan?.[name] ?? null) : own[name];
}
