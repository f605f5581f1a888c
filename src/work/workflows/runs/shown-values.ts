/** Characters of JSON that a list shows of a value; a longer one is read with its own step or run. */
const LONGEST = 65_536;
const START = 1_000;

/** What a list shows in place of a long value. */
interface Truncated {
  truncated: true;
  characters: number;
  /** How its JSON begins. */
  start: string;
}

/** A value as lists show it. */
export function shown(value: unknown): unknown {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  const json = JSON.stringify(value) ?? 'null';
  return json.length > LONGEST ? ({ truncated: true, characters: json.length, start: json.slice(0, START) } satisfies Truncated) : value;
}

/** The same in SQL, so that what is not shown is not read. @param column of type jsonb */
export const shownColumn = (column: string): string =>
  `case when length(${column}::text) > ${LONGEST} then jsonb_build_object('truncated', true, 'characters', length(${column}::text), 'start', left(${column}::text, ${START})) else ${column} end as ${column}`;
