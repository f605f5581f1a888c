/**
 * A fact that a domain publishes, by name (`task.completed`). The data carries ids and small facts, never rows: a
 * consumer that needs more asks the domain's reader.
 */
export interface EventType<T extends object> {
  readonly name: string;
  /** Present in the type alone, so that `publish` can check the data. */
  readonly __data?: T;
}

/** A fact as it stands in the event log. `id` is stable: consumers are idempotent on it. */
export interface StoredEvent<T extends object = Record<string, unknown>> {
  id: string;
  tenant_id: string;
  name: string;
  occurred_at: string;
  data: T;
}

export function defineEvent<T extends object>(name: string): EventType<T> {
  return { name };
}
