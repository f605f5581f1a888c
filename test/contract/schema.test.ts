import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { Erasures } from '../../src/platform/erasure/erasures.js';
import { KEPT_TABLES, tenantTables } from '../../src/platform/erasure/tenant-tables.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { APP_ROLE, SYSTEM_ROLE } from '../../src/platform/database/tenant-table.js';
import { withAdmin } from '../support/databases.js';
import { type Plane, startPlane } from '../support/plane.js';

interface ColumnRow {
  table_name: string;
  column_name: string;
  type: string;
  nullable: boolean;
}

/** Columns as `name type null`, sorted, so that a difference reads like a diff. */
const line = ({ column_name: name, type, nullable }: Omit<ColumnRow, 'table_name'>): string => `${name} ${type}${nullable ? ' null' : ''}`;

describe('the migrated database', () => {
  let plane: Plane;
  const rowsOf = async <T extends object>(text: string, values: unknown[] = []): Promise<T[]> =>
    withAdmin(async (admin) => (await admin.query(text, values)).rows as T[], plane.database.name);

  beforeAll(async () => {
    plane = await startPlane();
  });
  afterAll(() => plane.stop());

  it('has the columns that the entities say, and no others in their tables', async () => {
    const dataSource = plane.app.get<DataSource>(getDataSourceToken());
    expect(dataSource.entityMetadatas.length).toBeGreaterThan(0);
    const columns = await rowsOf<ColumnRow>(
      `select c.relname as table_name, a.attname as column_name, format_type(a.atttypid, -1) as type, not a.attnotnull as nullable
       from pg_attribute a join pg_class c on c.oid = a.attrelid
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped`,
    );
    const differences = dataSource.entityMetadatas.map((entity) => ({
      table: entity.tableName,
      entity: entity.columns.map((column) =>
        line({ column_name: column.databaseName, type: `${dataSource.driver.normalizeType(column)}${column.isArray ? '[]' : ''}`, nullable: column.isNullable }),
      ).toSorted(),
      database: columns.filter(({ table_name: table }) => table === entity.tableName).map(line).toSorted(),
    }));
    expect(differences.map(({ table, entity }) => ({ table, columns: entity }))).toEqual(differences.map(({ table, database }) => ({ table, columns: database })));
  });

  it('isolates every table that has a tenant_id, whoever owns it', async () => {
    const tables = await rowsOf<{ table: string; enabled: boolean; forced: boolean }>(
      `select c.relname as "table", c.relrowsecurity as enabled, c.relforcerowsecurity as forced
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1`,
    );
    expect(tables.length).toBeGreaterThan(10);
    expect(tables.filter(({ enabled, forced }) => !enabled || !forced)).toEqual([]);
    const policies = await rowsOf<{ table: string; using: string | null; check: string | null; cmd: string; permissive: string }>(
      `select tablename as "table", qual as using, with_check as check, cmd, permissive from pg_policies where schemaname = 'public' and roles && array[$1, 'public']::name[]`,
      [APP_ROLE],
    );
    const condition = /tenant_id = \( SELECT \(?NULLIF\(current_setting\('app\.tenant_id'::text, true\), ''::text\)\)?::uuid/;
    const isIsolating = ({ using, check, cmd }: (typeof policies)[number]): boolean => cmd === 'ALL' && condition.test(using ?? '') && condition.test(check ?? '');
    // One policy that lets everything through would undo the others: permissive policies are joined by OR.
    const tenantTables = new Set(tables.map(({ table }) => table));
    expect(policies.filter((policy) => tenantTables.has(policy.table) && !isIsolating(policy))).toEqual([]);
    const isolated = new Set(policies.map(({ table }) => table));
    expect(tables.filter(({ table }) => !isolated.has(table))).toEqual([]);
  });

  it('can be purged of a tenant: every table with a tenant_id goes or is kept on purpose, and every other one is of no tenant', async () => {
    const erased = (await tenantTables(plane.app.get(SystemDatabase).pool)).map(({ table }) => table);
    const tables = await rowsOf<{ table: string; of_tenants: boolean; deletable: boolean; guarded: boolean }>(
      `select c.relname as "table", exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as of_tenants,
         has_table_privilege($1, c.oid, 'delete') as deletable, exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'insert_only') as guarded
       from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1`,
      [SYSTEM_ROLE],
    );
    const ofTenants = tables.filter(({ of_tenants }) => of_tenants).map(({ table }) => table);
    expect([...erased, ...Object.keys(KEPT_TABLES)].toSorted()).toEqual(ofTenants.toSorted());
    expect(tables.filter(({ table, deletable, guarded }) => erased.includes(table) && (!deletable || guarded))).toEqual([]);
    // A table without a tenant_id that holds something of tenants would have to be declared by its domain (Erasures.ofTenants).
    expect(tables.filter(({ of_tenants }) => !of_tenants).map(({ table }) => table)).toEqual([
      'audit_keys', 'audit_sequencer', 'event_consumers', 'installation', 'master_keys', 'processes', 'schema_migrations', 'sign_in_attempts', 'tenants',
    ]);
  });

  it('can be purged of an agent: every table in which an agent is named is looked at, or holds no more than its id', async () => {
    const naming = await rowsOf<{ table: string }>(
      `select distinct c.relname as "table" from pg_class c join pg_attribute a on a.attrelid = c.oid
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not a.attisdropped and (a.attname ~ 'agent_id$|_by_id$|^author_id$|^actor_id$|^claimed_by$' or a.atttypid = 'jsonb'::regtype) order by 1`,
    );
    const declared = new Set(plane.app.get(Erasures).agentContents.map(({ table }) => table));
    /** With the reason. */
    const others: Record<string, string> = {
      audit_log: 'sealed under the key of the agent',
      boards: 'the lead is an id, and is let go when the agent is cut off',
      compliance_purges: 'the purges themselves',
      ip_rules: 'written by people', secrets: 'written by people', secret_versions: 'written by people', security_policies: 'written by people', settings: 'written by people', sso_providers: 'written by people',
      parked_jobs: 'names and ids of what is to be done',
      task_lanes: 'an id', workflow_family_agents: 'ids',
      tenants: 'written by people',
      approval_rules: 'written by people; an agent is named by its id', approval_rule_versions: 'written by people; an agent is named by its id',
      triggers: 'written by people',
      trigger_states: 'numbers and times',
      circuit_breakers: 'written by people; an agent is named by its id',
      circuit_breaker_transitions: 'written by people and the plane',
      workflows: 'written by people',
      workflow_versions: 'written by people',
      webhooks: 'written by people; an agent is named by its id',
    };
    expect(naming.map(({ table }) => table).filter((table) => !declared.has(table) && !(table in others))).toEqual([]);
  });

  it('gives PUBLIC nothing, and the running role no way round row-level security', async () => {
    const granted = await rowsOf(
      `select c.relname, acl.privilege_type from pg_class c cross join lateral aclexplode(c.relacl) acl
       where c.relnamespace = 'public'::regnamespace and acl.grantee = 0
       union all
       select c.relname || '.' || a.attname, acl.privilege_type from pg_attribute a join pg_class c on c.oid = a.attrelid cross join lateral aclexplode(a.attacl) acl
       where c.relnamespace = 'public'::regnamespace and acl.grantee = 0`,
    );
    expect(granted).toEqual([]);
    const [role] = await rowsOf<{ rolsuper: boolean; rolbypassrls: boolean; owned: number }>(
      `select rolsuper, rolbypassrls, (select count(*)::int from pg_class where relowner = pg_roles.oid) as owned from pg_roles where rolname = $1`,
      [APP_ROLE],
    );
    expect(role).toEqual({ rolsuper: false, rolbypassrls: false, owned: 0 });
    // A view runs with its owner's rights unless it says otherwise.
    const views = await rowsOf(`select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm') and not coalesce(reloptions @> '{security_invoker=true}', false)`);
    expect(views).toEqual([]);
  });
});
