import { randomBytes } from 'node:crypto';
import type pg from 'pg';

/** Every form in which bytes may lie around: as they are, URL-encoded, in hex, and in base64 wherever in a longer text they began. */
function formsOf(bytes: Buffer): Buffer[] {
  const base64 = [0, 1, 2].map((offset) => Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64').slice(offset === 0 ? 0 : 4, -4));
  const texts = [encodeURIComponent(bytes.toString()), bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))];
  return [bytes, ...new Set(texts)].map((form) => Buffer.from(form));
}

/** Uncommon characters, so that the URL-encoded form is another one; random, so that nothing compresses it. */
const newCanary = (): string => `c%${randomBytes(15).toString('hex')}/+é`;

const SHORTEST = 8;

/** Canaries by the field that each was put into. */
export class Canaries {
  /** Forms by their first two bytes: files of many megabytes are gone through once for all of them. */
  private readonly byStart = new Map<number, { field: string; form: Buffer }[]>();
  private readonly starts = new Uint8Array(65_536);

  put<T extends string | Buffer = string>(field: string, canary: T = newCanary() as T): T {
    const bytes = Buffer.from(canary);
    if (bytes.length < SHORTEST) throw new Error(`The canary in ${field} is so short that it is found by chance.`);
    for (const form of formsOf(bytes)) {
      const start = form.readUInt16BE();
      this.starts[start] = 1;
      this.byStart.set(start, [...(this.byStart.get(start) ?? []), { field, form }]);
    }
    return canary;
  }

  /** Of letters and digits alone, for fields that take nothing else. */
  putPlain(field: string): string {
    return this.put(field, `c${randomBytes(12).toString('hex')}`);
  }

  get fields(): string[] {
    return [...new Set([...this.byStart.values()].flat().map(({ field }) => field))];
  }

  /** Fields whose canary is found. */
  foundIn(where: string, content: Buffer | string): string[] {
    const bytes = Buffer.from(content);
    const found = new Set<string>();
    for (let index = 0; index + SHORTEST <= bytes.length; index += 1) {
      const start = ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
      if (this.starts[start] === 0) continue;
      for (const { field, form } of this.byStart.get(start) ?? []) if (bytes[index + 4] === form[4] && bytes.compare(form, 0, form.length, index, Math.min(index + form.length, bytes.length)) === 0) found.add(`${field} in ${where}`);
    }
    return [...found];
  }
}

/** Every row of every table as text; bytes as they are. */
export async function* rowsOfAllTables(admin: pg.Client): AsyncGenerator<[table: string, content: Buffer]> {
  const { rows: tables } = await admin.query<{ schema: string; name: string }>(
    `select table_schema as schema, table_name as name from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  for (const { schema, name } of tables) {
    const { rows } = await admin.query<Record<string, unknown>>(`select * from "${schema}"."${name}"`);
    for (const row of rows) for (const value of Object.values(row)) yield [`table ${name}`, Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))];
    for (const { text } of (await admin.query<{ text: string }>(`select t::text as text from "${schema}"."${name}" t`)).rows) yield [`table ${name}`, Buffer.from(text)];
  }
}
