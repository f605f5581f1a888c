import { randomBytes } from 'node:crypto';
import type pg from 'pg';

/** Every form in which a text may lie around: plain, URL-encoded, hex, and base64 wherever in a longer text it began. */
function formsOf(canary: string): string[] {
  const bytes = Buffer.from(canary);
  const base64 = [0, 1, 2].map((offset) => Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64').slice(offset === 0 ? 0 : 4, -4));
  return [canary, encodeURIComponent(canary), bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))];
}

/** Uncommon characters, so that the URL-encoded form is another one; random, so that nothing compresses it. */
const newCanary = (): string => `c%${randomBytes(15).toString('hex')}/+é`;

/** Canaries by the field that each was put into. */
export class Canaries {
  private readonly byField = new Map<string, string>();

  put(field: string, canary: string = newCanary()): string {
    this.byField.set(field, canary);
    return canary;
  }

  /** Of letters and digits alone, for fields that take nothing else. */
  putPlain(field: string): string {
    return this.put(field, `c${randomBytes(12).toString('hex')}`);
  }

  /** Fields whose canary is found. */
  foundIn(where: string, content: Buffer | string): string[] {
    const text = Buffer.isBuffer(content) ? content.toString('latin1') : Buffer.from(content).toString('latin1');
    return [...this.byField].filter(([, canary]) => formsOf(canary).some((form) => text.includes(Buffer.from(form).toString('latin1')))).map(([field]) => `${field} in ${where}`);
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
