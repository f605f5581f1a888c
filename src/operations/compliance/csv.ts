import { stringify } from 'csv-stringify/sync';

/** A cell as it comes from a view: text, a time, a flag, or an object, which is written as JSON. */
export type Cell = string | boolean | Date | object | null;

/**
 * Records as CSV (RFC 4180): lines end in CRLF, cells with a comma, a quote or a line break stand in quotes. A cell that
 * a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return) gets an apostrophe before it.
 */
export function toCsv<T extends object>(columns: readonly (keyof T & string)[], records: readonly T[]): string {
  return stringify(
    records.map((record) => columns.map((column) => textOf(record[column] as Cell))),
    // By itself it puts the record's own delimiter in quotes, and neither half of it.
    { record_delimiter: 'windows', escape_formulas: true, quoted_match: /[\r\n]/ },
  );
}

function textOf(cell: Cell): string {
  if (cell === null) return '';
  if (cell instanceof Date) return cell.toISOString();
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}
