import { eventNames } from './event.js';

/** Segments of lower-case letters, digits and `_`, or `*` for any one of them, or `**` for any number of them; at most eight, with dots between them. */
const PATTERN = /^(?:[a-z0-9_]+|\*{1,2})(?:\.(?:[a-z0-9_]+|\*{1,2})){0,7}$/;
export const LONGEST_EVENT_PATTERN = 100;

/**
 * Whether a pattern of names of events takes a name: `task.completed` itself, `task.*` each of two segments, `**` every one.
 * Takes time in proportion to the product of both lengths, whatever the pattern.
 */
export function matchesEvent(pattern: string, name: string): boolean {
  const parts = name.split('.');
  // ways[i]: whether the segments of the pattern so far take the first i segments of the name.
  let ways = [true, ...parts.map(() => false)];
  for (const segment of pattern.split('.')) {
    const next = parts.map(() => false);
    const here = [segment === '**' && ways[0] === true, ...next];
    parts.forEach((part, index) => {
      here[index + 1] = segment === '**' ? ways[index + 1] === true || here[index] === true : ways[index] === true && (segment === '*' || segment === part);
    });
    ways = here;
  }
  return ways[parts.length] === true;
}

/** What is wrong with a pattern of names of events; undefined for one that takes some event that there is. */
export function patternFault(pattern: string): string | undefined {
  if (pattern.length > LONGEST_EVENT_PATTERN || !PATTERN.test(pattern)) return 'It is not a name of an event, or a pattern as task.* or **.';
  return eventNames().some((name) => matchesEvent(pattern, name)) ? undefined : 'No event has such a name.';
}
