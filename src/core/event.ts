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

const names = new Set<string>();

/** Every fact is defined where its domain is; whoever takes patterns of names knows by it which there are. */
export function defineEvent<T extends object>(name: string): EventType<T> {
  names.add(name);
  return { name };
}

/** Names of all facts that are defined, in their order. Complete once every module is loaded. */
export const eventNames = (): string[] => [...names].sort();
