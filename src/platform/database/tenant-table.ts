/** Role that runs the application. It sees one tenant at a time: the one named by `app.tenant_id` in the transaction. */
export const APP_ROLE = 'wheelhouse_app';
/** Role behind the one named door for statements that are about no tenant or about all of them (`SystemDatabase`). */
export const SYSTEM_ROLE = 'wheelhouse_system';

/** The tenant of the running transaction; NULL outside of one. The sub-select makes the planner ask once per query. */
const CURRENT_TENANT = `(select nullif(current_setting('app.tenant_id', true), '')::uuid)`;

/**
 * SQL that puts a table with a `tenant_id` column under forced row-level security: the running role reads and writes
 * rows of the transaction's tenant alone, the system role all of them, and the owner none.
 */
export function isolateTenants(table: string): string[] {
  return [
    `alter table ${table} enable row level security`,
    `alter table ${table} force row level security`,
    `create policy tenant_isolation on ${table} for all to ${APP_ROLE} using (tenant_id = ${CURRENT_TENANT}) with check (tenant_id = ${CURRENT_TENANT})`,
    `create policy system_access on ${table} for all to ${SYSTEM_ROLE} using (true) with check (true)`,
    `grant select, insert, update, delete on ${table} to ${APP_ROLE}, ${SYSTEM_ROLE}`,
  ];
}
