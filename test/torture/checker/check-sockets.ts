import type { SocketEntry } from '../history.ts';
import type { Snapshot, Violation } from './snapshot.ts';

/** A socket that breaks may take what was under way with it, and a process may be frozen for 5 s before; ms. */
const LEEWAY_BEFORE_END = 12_000;
/** Between an event's time (its statement's) and its commit. */
const LEEWAY_AFTER_START = 2_000;

/** What sockets were told is in the log, as it was told; and a socket that stays open misses nothing. */
export function checkSockets(entries: readonly SocketEntry[], db: Snapshot): Violation[] {
  const log = new Map(db.events.map((event) => [event.id, event]));
  return [...Map.groupBy(entries, ({ socket }) => socket)].flatMap(([socket, list]) => {
    const told = list.filter((entry) => entry.what === 'event');
    const ids = new Set(told.map(({ id }) => id));
    const wrong = told.flatMap((entry): Violation[] => {
      const event = log.get(entry.id);
      if (!event) return [{ rule: 'event invented', detail: `socket ${socket} was told ${entry.name} ${entry.id}, which is not in the log` }];
      const same = event.name === entry.name && event.data['task_id'] === entry.data['task_id'] && event.data['fence'] === entry.data['fence'];
      return same ? [] : [{ rule: 'event changed', detail: `socket ${socket} was told ${entry.id} as ${entry.name}` }];
    });
    const at = (what: 'open' | 'close'): number | undefined => list.flatMap((entry) => (entry.what === what ? [entry.at] : [])).at(0);
    const [opened, closed] = [at('open') ?? Infinity, at('close') ?? -Infinity];
    const missed = db.events.filter((event) => event.at > opened + LEEWAY_AFTER_START && event.at < closed - LEEWAY_BEFORE_END && !ids.has(event.id));
    return [...wrong, ...missed.map(({ id, name }) => ({ rule: 'event not delivered', detail: `socket ${socket} was open and never told ${name} ${id}` }))];
  });
}
