import type pg from 'pg';
import { withAdmin } from './databases.js';
import type { Plane } from './plane.js';

const TABLES = ['audit_log', 'audit_leaves', 'audit_nodes', 'audit_checkpoints'];

export type Run = (sql: string, ...values: unknown[]) => Promise<pg.QueryResult>;

/** What a superuser does who has put the triggers out of the way. @param first value of each statement, before those it is given */
export const tamperWith = (plane: Plane, first: unknown, work: (run: Run) => Promise<unknown>): Promise<void> =>
  withAdmin(async (client) => {
    for (const table of TABLES) await client.query(`alter table ${table} disable trigger insert_only`);
    await work((sql, ...values) => client.query(sql, [first, ...values]));
    for (const table of TABLES) await client.query(`alter table ${table} enable always trigger insert_only`);
  }, plane.database.name);
