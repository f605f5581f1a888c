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

/** A value as lists show it; the same as `shownColumn` says of one in a table. */
export function shown(value: unknown): unknown {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  const json = textOf(value);
  // A character has one unit or two.
  if (json.length <= LONGEST) return value;
  const characters = json.length - (json.match(/[\u{10000}-\u{10FFFF}]/gu)?.length ?? 0);
  return characters > LONGEST ? ({ truncated: true, characters, start: [...json.slice(0, 2 * START)].slice(0, START).join('') } satisfies Truncated) : value;
}

/** JSON as the database writes it, with spaces. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  return `{${Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${textOf(part)}`).join(', ')}}`;
}

/** The same in SQL, so that what is not shown is not read. @param column of type jsonb */
export const shownColumn = (column: string): string =>
  `case when length(${column}::text) > ${LONGEST} then jsonb_build_object('truncated', true, 'characters', length(${column}::text), 'start', left(${column}::text, ${START})) else ${column} end as ${column}`;
