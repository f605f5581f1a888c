import type pg from 'pg';

/** A table with rows of tenants. */
export interface TenantTable {
  table: string;
  /** Columns by which rows refer to others of the same table: they are let go first. */
  own: readonly string[];
}

interface Reference {
  child: string;
  parent: string;
  columns: string[];
}

/**
 * What stays of a purged tenant, and why. Everything else with a `tenant_id` goes, a table that is added one day too.
 */
export const KEPT_TABLES: Readonly<Record<string, string>> = {
  audit_log: 'rows are only ever added; their content is unreadable once its key is destroyed',
  audit_leaves: 'hashes of the rows',
  audit_nodes: 'hashes of the rows',
  audit_trees: 'hashes of the rows',
  audit_checkpoints: 'sizes, roots and signatures',
  audit_pushes: 'where checkpoints were sent',
  audit_holds: 'that a log is not sealed any further, and why',
  audit_restores: 'signed notes of what was accepted in place of another log',
  tenant_keys: 'that there were keys, and when they were destroyed',
};

/** Tables whose rows go with a tenant, those that refer to others before those. */
export async function tenantTables(client: Pick<pg.ClientBase, 'query'>): Promise<TenantTable[]> {
  const { rows: found } = await client.query<{ table: string }>(
    `select c.relname as "table" from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  );
  const { rows: references } = await client.query<Reference>(
    `select c.conrelid::regclass::text as child, c.confrelid::regclass::text as parent,
       array(select a.attname::text from unnest(c.conkey) as k (number) join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number where not a.attnotnull) as columns
     from pg_constraint c where c.contype = 'f' and c.connamespace = 'public'::regnamespace`,
  );
  const tables = found.map(({ table }) => table).filter((table) => !(table in KEPT_TABLES));
  const own = (table: string): string[] => references.filter(({ child, parent }) => child === table && parent === table).flatMap(({ columns }) => columns);
  return childrenFirst(tables, references).map((table) => ({ table, own: [...new Set(own(table))] }));
}

function childrenFirst(tables: readonly string[], references: readonly Reference[]): string[] {
  const ordered: string[] = [];
  const visiting = new Set<string>();
  const visit = (table: string): void => {
    if (ordered.includes(table)) return;
    if (visiting.has(table)) throw new Error(`The tables refer to each other in a circle: ${[...visiting, table].join(', ')}.`);
    visiting.add(table);
    for (const { child, parent } of references) if (parent === table && child !== table && tables.includes(child)) visit(child);
    visiting.delete(table);
    ordered.push(table);
  };
  tables.forEach(visit);
  return ordered;
}
