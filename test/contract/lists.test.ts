import { operationsOf, type Parameter, type PlacedOperation } from '../../src/platform/openapi/document.types.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { explainEverything, PlanRecorder } from '../support/plans.js';
import { type Plane, startPlane } from '../support/plane.js';
import { call, makeTenant, must, OPERATOR } from './authorisation/callers.js';
import { Fixtures, type Tenants } from './authorisation/fixtures.js';
import { fillTables } from './lists/filling.js';
import { committedDocument, parametersOf } from './openapi-document.js';

/** What a list counts before it says that it estimates. */
const COUNTED = 10_000;
/** Rows of what grows with time. */
const MANY = 3 * COUNTED;
/** One more than is counted tells that there are more; the rest is for what it looks up beside. */
const MOST = COUNTED + 500;

const document = committedDocument();
const lists = operationsOf(document).filter(({ method, operation }) => method === 'get' && queryOf(operation).some(({ name }) => name === 'cursor'));

function queryOf(operation: PlacedOperation['operation']): Parameter[] {
  return parametersOf(operation, document).filter((parameter) => parameter.in === 'query');
}

/** Queries with each of a list's filters by itself, for values that few rows have or none. */
function queriesOf({ operation }: PlacedOperation): string[] {
  const parameters = queryOf(operation);
  const names = new Set(parameters.map(({ name }) => name));
  const [from, to] = names.has('since') ? ['since', 'until'] : ['from', 'to'];
  const spans = names.has(from) ? [`${from}=${new Date().toISOString()}`, `${to}=2020-01-01T00:00:00.000Z`, `${from}=2026-01-01T00:00:00.000Z&${to}=2026-01-01T00:01:00.000Z`] : [];
  const others = parameters.filter(({ name }) => !['limit', 'cursor', 'offset', 'tenant_id', from, to].includes(name)).flatMap(({ name, schema, example }) => valuesOf(schema, example).map((value) => `${name}=${encodeURIComponent(value)}`));
  return ['limit=50', 'limit=50&offset=9000', ...spans, ...others];
}

function valuesOf(schema: Parameter['schema'], example: unknown): string[] {
  const values = schema.enum ?? schema.items?.enum;
  if (values) return values.map(String);
  if (schema.type === 'boolean') return ['true', 'false'];
  if (schema.format === 'uuid') return ['00000000-0000-7000-8000-0000000000ff'];
  const value = example ?? schema.examples?.[0];
  return [typeof value === 'string' || typeof value === 'number' ? String(value) : 'nothing-like-it'];
}

describe('lists of much', () => {
  let database: TestDatabase;
  let plane: Plane;
  let plans: PlanRecorder;
  let tenants: Tenants;
  const paths = new Map<PlacedOperation, string>();

  beforeAll(async () => {
    database = await createDatabase();
    await explainEverything(database.name);
    plane = await startPlane({ database, prepare: (app) => (plans = new PlanRecorder(app)) });
    tenants = { own: await makeTenant(plane), foreign: await makeTenant(plane) };
    const fixtures = new Fixtures(plane, document, tenants);
    for (const placed of lists) paths.set(placed, await fixtures.path(placed, 'own'));
    await withAdmin((admin) => fillTables(admin, tenants.own.id, MANY, COUNTED), database.name);
  }, 120_000);
  afterAll(async () => {
    await plane.stop();
    await database.drop();
  });

  function callerOf({ operation }: PlacedOperation): Record<string, string> {
    const roles = operation['x-roles'] ?? [];
    if (/^(?:tenant|intake):/.test(operation['x-permission'] ?? '')) return OPERATOR;
    return roles.includes('admin') ? tenants.own.admin : tenants.own.agent;
  }

  it('go over no more rows than they count, whatever is asked for', async () => {
    const complaints = new Set<string>();
    for (const placed of lists) {
      for (const query of queriesOf(placed)) {
        plans.take();
        const { status, text } = await call(plane, 'GET', `${paths.get(placed)}?${query}`, callerOf(placed));
        const work = plans.take();
        if (work.length === 0) complaints.add(`${placed.operation.operationId}?${query}: nothing is known of its statements`);
        const most = work.reduce((one, other) => (other.rows > one.rows ? other : one), { statement: '', rows: 0, where: '' });
        if (status !== 200) complaints.add(`${placed.operation.operationId}?${query}: ${status} ${text.slice(0, 300)}`);
        if (most.rows > MOST) complaints.add(`${placed.operation.operationId}?${query}: ${most.rows} rows, ${most.where}`);
      }
    }
    expect([...complaints]).toEqual([]);
  }, 240_000);

  it('find a task by its title however old it is, a page at a time', async () => {
    await withAdmin((admin) => admin.query(`update tasks set title = 'The 100%_needle' where tenant_id = $1 and id = (select id from tasks where tenant_id = $1 order by id limit 1)`, [tenants.own.id]), database.name);
    const search = async (cursor: string): Promise<{ items: { title: string }[]; total: number; total_is_estimate?: boolean; next_cursor: string | null }> =>
      must(plane, 'GET', `/api/v1/tasks?search=${encodeURIComponent('100%_NEEDLE')}${cursor}`, tenants.own.admin);
    let page = await search('');
    expect(page).toMatchObject({ items: [], total: 0, total_is_estimate: true });
    let pages = 1;
    for (; page.next_cursor !== null; pages += 1) page = await search(`&cursor=${page.next_cursor}`);
    expect(page.items.map(({ title }) => title)).toEqual(['The 100%_needle']);
    expect(pages).toBe(MANY / COUNTED + 1);
    expect((await search(`&priority=critical`)).next_cursor).toBeNull();
  });
});
