import { operationsOf, type PlacedOperation, resolveSchema, type Schema } from '../../src/platform/openapi/document.types.js';
import { unique } from '../support/factories.js';
import { startPlaneProcess } from '../support/processes.js';
import type { RunningPlane } from '../support/requests.js';
import { type Answer, call, type Caller, makePeople, makeTenant } from './authorisation/callers.js';
import { Fixtures, type Tenants } from './authorisation/fixtures.js';
import { changesBetween, type RowChange, TenantRows } from './authorisation/tenant-rows.js';
import { hasIds, isForOperators, shown, verdict } from './authorisation/verdicts.js';
import { committedDocument, requestSchema, successOf } from './openapi-document.js';

const document = committedDocument();
const operations = operationsOf(document);
const { schemas } = document.components;

/** What every change of a thing changes with it. */
const WITH_EVERY_CHANGE: ReadonlySet<string> = new Set(['revision', 'updated_at']);
/** Columns that hold what a field says, where they are called otherwise, and what follows from it by the rules of the domain. */
/** What a workflow does makes a version, and is read back in every form. */
const DOES = ['version', 'form', 'steps', 'nodes', 'edges', 'prompt', 'agent_id', 'children', 'output', 'parameters'];
const STARTS = ['trigger_type', 'trigger_config', 'schedule', 'timezone'];
const OF_WORKFLOWS = Object.fromEntries(['updateWorkflow', 'putWorkflow'].flatMap((operation) => [
  ...['steps', 'nodes', 'edges', 'prompt', 'agent', 'agent_id', 'output', 'timeout_seconds', 'input_schema', 'parameters_schema', 'parameters'].map((name) => [`${operation}.${name}`, DOES] as const),
  ...['trigger_type', 'trigger_config', 'schedule', 'timezone'].map((name) => [`${operation}.${name}`, STARTS] as const),
  [`${operation}.status`, ['is_enabled']] as const,
  [`${operation}.is_enabled`, ['status']] as const,
]));

const HELD_IN: Readonly<Record<string, readonly string[]>> = {
  ...OF_WORKFLOWS,
  'updatePasswordPolicy.min_length': ['password'],
  'updatePasswordPolicy.history': ['password'],
  'updatePasswordPolicy.max_age_days': ['password'],
  // The first policy of a tenant.
  'updateSecurity.mfa': ['added'],
  // What the plane told people meanwhile is read with the rest.
  'updateNotifications.all': ['items', 'unread_count'],
  'updateSecret.rotation': ['generator', 'next_rotation_at', 'rotate_every_days'],
  // Each change of a rule is a version.
  ...Object.fromEntries(['name', 'description', 'enabled', 'priority', 'effect', 'match', 'demand', 'auto_approve', 'escalation'].map((field) => [`updateApprovalRule.${field}`, ['version']])),
  'updateSecret.value': ['version', 'rotated_at'],
  'updateSsoProvider.client_secret': ['has_client_secret'],
  'updateTask.priority': ['priority_rank'],
  'updateTask.agent_id': ['lane_id'],
  'updateTask.depends_on': ['ready', 'status', 'waiting_for', 'blocked_by'],
  'updateTask.board_id': ['lane_id'],
  'updateTask.required_tools': ['lane_id'],
};
/** Tables that hold part of what an operation changes. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  updateBoard: ['board_agents'],
  updateWorkflow: ['workflow_versions', 'cron_ticks'],
  putWorkflow: ['workflow_versions', 'cron_ticks'],
  updateApprovalRule: ['approval_rule_versions'],
  updateSecret: ['secret_versions'],
  updateTask: ['task_lanes', 'task_dependencies'],
};
/** An answer lists so many wrong fields at most. */
const AT_ONCE = 40;

/** Every name that any answer has for a field. */
const namesInAnswers: ReadonlySet<string> = new Set(
  operations.flatMap(({ operation }) => {
    const { schema } = successOf(operation);
    return schema ? namesIn(schema) : [];
  }),
);

function namesIn(given: Schema, seen: Set<Schema> = new Set()): string[] {
  const schema = resolveSchema(given, schemas);
  if (seen.has(schema)) return [];
  seen.add(schema);
  const parts = [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : []), ...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  return [...Object.keys(schema.properties ?? {}), ...parts.flatMap((part) => namesIn(part, seen))];
}

describe('what a request may write', () => {
  let plane: RunningPlane;
  let tenants: Tenants;
  let fixtures: Fixtures;
  let callers: Caller[];
  let rows: TenantRows;
  let cells = 0;

  beforeAll(async () => {
    plane = await startPlaneProcess({ TRUST_PROXY: 'loopback' });
    tenants = { own: await makeTenant(plane), foreign: await makeTenant(plane) };
    fixtures = new Fixtures(plane, document, tenants);
    callers = await makePeople(plane, tenants.own, tenants.foreign);
    rows = await TenantRows.open(plane);
  }, 60_000);
  afterAll(async () => {
    await rows.close();
    await plane.stop();
    process.stdout.write(`authorisation: ${cells} cells over what may be written\n`);
  });

  const writes = operations.filter(({ operation }) => requestSchema(operation) !== undefined);
  const fieldsOf = (placed: PlacedOperation): Record<string, Schema> => resolveSchema(requestSchema(placed.operation) ?? {}, schemas).properties ?? {};
  /** The one who may usually do it. */
  const usual = (placed: PlacedOperation): Caller => callers.find(({ name }) => name === (placed.operation['x-roles']?.includes('agent') ? 'agent' : 'admin'))!;
  const label = ({ operation }: PlacedOperation, field: string): string => `${operation.operationId}.${field}`;

  it("takes another tenant's id for an absent one, and leaves the other tenant as it was", async () => {
    const wrong: string[] = [];
    for (const placed of writes) {
      const caller = usual(placed);
      if (verdict(placed, caller) !== 'reaches' || isForOperators(placed)) continue;
      for (const field of Object.keys(fieldsOf(placed)).filter((name) => name.endsWith('_id') && name !== 'tenant_id' && fixtures.creatorOfField(name))) {
        const path = await fixtures.path(placed, 'own', true);
        const body = await fixtures.body(placed, 'own');
        const ids = { foreign: await fixtures.reference(field, 'foreign'), absent: await fixtures.reference(field, 'absent') };
        const before = await rows.of(tenants.foreign.id);
        const send = (id: string): Promise<Answer> => call(plane, placed.method, path, caller.headers, { ...body, [field]: id });
        const [foreign, absent] = [await send(ids.foreign), await send(ids.absent)];
        cells += 2;
        // A filter may answer with nothing; a thing that would hold the id may not be made.
        if (foreign.status === 201) wrong.push(`${label(placed, field)} takes another tenant's id (${shown(foreign)})`);
        if (foreign.comparable !== absent.comparable) wrong.push(`${label(placed, field)}: foreign ${foreign.text} but absent ${absent.text}`);
        const changes = changesBetween(before, await rows.of(tenants.foreign.id));
        if (changes.length > 0) wrong.push(`${label(placed, field)} changes another tenant: ${said(changes)}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('refuses by name every field of every answer that is none of the request, and nothing is written', async () => {
    const wrong: string[] = [];
    for (const placed of writes) {
      const caller = usual(placed);
      const path = await fixtures.path(placed, 'own');
      const body = await fixtures.body(placed, 'own');
      const known = fieldsOf(placed);
      // Administrators name the tenant that they act for in this field.
      const extra = [...namesInAnswers].filter((name) => !(name in known) && name !== 'tenant_id');
      const before = await rows.of(tenants.own.id);
      for (let from = 0; from < extra.length; from += AT_ONCE) {
        const names = extra.slice(from, from + AT_ONCE);
        cells += names.length;
        const refusal = await call(plane, placed.method, path, caller.headers, { ...body, ...Object.fromEntries(names.map((name) => [name, unique(name)])) });
        const taken = names.filter((name) => !refusal.text.includes(`"field":"${name}","code":"unknown_field"`));
        if (refusal.code !== 'invalid_request' || taken.length > 0) wrong.push(`${label(placed, taken.join(','))}: ${shown(refusal)}`);
      }
      const changes = changesBetween(before, await rows.of(tenants.own.id));
      if (changes.length > 0) wrong.push(`${placed.operation.operationId} refuses, and changes ${said(changes)}`);
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('takes no list for an object in a list', async () => {
    const wrong: string[] = [];
    for (const placed of writes) {
      const lists = Object.entries(fieldsOf(placed)).filter(([, { items }]) => items && resolveSchema(items, schemas).properties);
      for (const [field] of lists) {
        cells += 1;
        const body = { ...(await fixtures.body(placed, 'own')), [field]: [[]] };
        const answer = await call(plane, placed.method, await fixtures.path(placed, 'own', true), usual(placed).headers, body);
        if (answer.code !== 'invalid_request') wrong.push(`${label(placed, field)}: ${shown(answer)}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('changes, by each field of a change, that field of that thing and nothing else', async () => {
    const wrong: string[] = [];
    const untaken: string[] = [];
    let tried = 0;
    for (const placed of writes.filter(({ method }) => method === 'put' || method === 'patch')) {
      const caller = usual(placed);
      if (verdict(placed, caller) !== 'reaches' || isForOperators(placed)) continue;
      for (const field of Object.keys(fieldsOf(placed))) {
        const path = await fixtures.path(placed, 'own', true);
        const body = { ...(await fixtures.required(placed, 'own')), [field]: await fixtures.field(placed, field, 'own') };
        tried += 1;
        const [before, seen] = [await rows.of(tenants.own.id), await read(placed, path, caller)];
        const answer = await call(plane, placed.method, path, caller.headers, body);
        if (answer.status >= 300) {
          untaken.push(`${label(placed, field)} (${answer.code})`);
          continue;
        }
        cells += 1;
        const others = beyond(placed, Object.keys(body), path, changesBetween(before, await rows.of(tenants.own.id)));
        if (others.length > 0) wrong.push(`${label(placed, field)} changes ${said(others)}`);
        const now = await read(placed, path, caller);
        const may = expected(placed, Object.keys(body));
        const shownOtherwise = Object.keys(now).filter((name) => !may.has(name) && JSON.stringify(now[name]) !== JSON.stringify(seen[name]));
        if (shownOtherwise.length > 0) wrong.push(`${label(placed, field)} shows otherwise: ${shownOtherwise.join(', ')}`);
      }
    }
    if (untaken.length > 0) process.stdout.write(`authorisation: not tried, a schema does not say enough for a right value: ${untaken.join(', ')}\n`);
    expect(wrong).toEqual([]);
    expect(untaken.length).toBeLessThan(tried / 4);
  }, 60_000);

  const expected = (placed: PlacedOperation, fields: readonly string[]): ReadonlySet<string> => new Set([...WITH_EVERY_CHANGE, ...fields.flatMap((name) => [name, ...(HELD_IN[label(placed, name)] ?? [])])]);

  /** Changes that are none of what was asked for. */
  function beyond(placed: PlacedOperation, fields: readonly string[], path: string, changes: readonly RowChange[]): RowChange[] {
    const may = expected(placed, fields);
    const id = path.split('/').at(-1) ?? '';
    return changes
      .filter(({ key }) => !PARTS[placed.operation.operationId]?.includes(key.split('/')[0] ?? ''))
      .map((change) => (hasIds(placed) && !change.key.includes(id) ? change : { ...change, columns: change.columns.filter((column) => !may.has(column)) }))
      .filter(({ columns }) => columns.length > 0);
  }

  /** The thing as the API shows it, where it does. */
  async function read({ path: template }: PlacedOperation, path: string, caller: Caller): Promise<Record<string, unknown>> {
    if (!document.paths[template]?.get) return {};
    const { status, text } = await call(plane, 'GET', path, caller.headers);
    return status === 200 ? (JSON.parse(text) as Record<string, unknown>) : {};
  }
});

const said = (changes: readonly RowChange[]): string => changes.map(({ key, columns }) => `${key} (${columns.join(', ')})`).join('; ');
