import type { Delivery } from '../history.ts';
import type { EventRow, Snapshot, Violation } from './snapshot.ts';

/** One fact per change, and every fact delivered at least once under one stable id. */
export function checkEvents(deliveries: readonly Delivery[], db: Snapshot): Violation[] {
  return [...facts(db), ...delivered(deliveries, db)];
}

function facts(db: Snapshot): Violation[] {
  const found: Violation[] = [];
  const byName = Map.groupBy(db.events, (event) => event.name);
  const once = (name: string, keys: readonly string[], keyOf: (event: EventRow) => string): void => {
    const events = Map.groupBy(byName.get(name) ?? [], keyOf);
    for (const key of keys) {
      const count = events.get(key)?.length ?? 0;
      if (count !== 1)
        found.push({ rule: count === 0 ? 'event missing' : 'event doubled', detail: `${name} for ${key} was published ${count} times` });
    }
    const known = new Set(keys);
    for (const key of events.keys()) if (!known.has(key)) found.push({ rule: 'event without change', detail: `${name} for ${key}` });
  };
  const attempts = (...outcomes: string[]): string[] =>
    db.attempts.filter(({ outcome }) => outcomes.includes(outcome)).map(({ task_id, fence }) => `${task_id}/${fence}`);
  const byFence = ({ data }: EventRow): string => `${String(data['task_id'])}/${String(data['fence'])}`;
  once(
    'task.created',
    db.tasks.map((task) => task.id),
    ({ data }) => String(data['task_id']),
  );
  once('task.completed', attempts('completed'), byFence);
  once('task.failed', attempts('failed', 'expired'), byFence);
  return found;
}

function delivered(deliveries: readonly Delivery[], db: Snapshot): Violation[] {
  const found: Violation[] = [];
  const published = new Map(db.events.map((event) => [event.id, event]));
  const seen = new Set<string>();
  for (const delivery of deliveries) {
    seen.add(delivery.id);
    const event = published.get(delivery.id);
    if (!event) found.push({ rule: 'event invented', detail: `${delivery.name} ${delivery.id} was delivered and is not in the log` });
    else if (event.name !== delivery.name || !sameTask(event, delivery))
      found.push({ rule: 'event changed', detail: `${delivery.id} was delivered as ${delivery.name} and is ${event.name}` });
  }
  for (const event of published.values()) {
    if (!seen.has(event.id)) found.push({ rule: 'event not delivered', detail: `${event.name} ${event.id}` });
  }
  return found;
}

const sameTask = (event: EventRow, delivery: Delivery): boolean =>
  event.data['task_id'] === delivery.data['task_id'] && event.data['fence'] === delivery.data['fence'];
