import { SHARED_INBOX } from '../../../src/channels/notifications/notification.entity.js';
import { newId } from '../../../src/core/ids.js';
import { operationsOf, type OpenApiDocument, type PlacedOperation, resolveSchema, type Schema } from '../../../src/platform/openapi/document.types.js';
import { withAdmin } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { PASSWORD, unique } from '../../support/factories.js';
import type { RunningPlane } from '../../support/requests.js';
import { hasType, requestSchema, successOf } from '../openapi-document.js';
import { bearer, call, must, type Side, type Tenant } from './callers.js';
import { Endpoints, OF_ENDPOINTS } from './endpoints.js';
import { Ids } from './ids.js';

/** Where sessions stand. No operation of the document makes one there. */
const SESSIONS: ReadonlySet<string> = new Set(['/api/v1/security/sessions', '/api/v1/auth/sessions']);

/** Paths in which a tenant is named. */
const OF_TENANTS: ReadonlySet<string> = new Set(['/api/v1/tenants', '/api/v1/audit/holds']);

export type Tenants = Record<Side, Tenant>;

/** Bodies that say more than their schema can: what the schema alone would make is refused for another reason. */
const HINTS: Readonly<Record<string, Record<string, unknown>>> = {
  reauthenticate: { password: 'not the one of this account' },
  createUser: { password: PASSWORD },
  register: { password: PASSWORD },
  // An address that egress refuses at once: a name would be looked up.
  createSsoProvider: { issuer: 'https://127.0.0.1' },
  createApiKey: { scopes: ['task:read'] },
  // A name that stands for nothing anywhere (RFC 6761).
  createWebhook: { url: 'https://hooks.invalid/', events: ['task.completed'] },
  // The one step of the matrix's workflow.
  getWorkflowRunStep: { path: 'nap' },
  addWorkflowStep: { step_type: 'transform' },
  saveCircuitBreaker: { target: 'host:api.example.com' },
  // Rules that let nobody in would end the matrix.
  updateIpRules: { rules: [], force: false },
};

/** Fields that are optional but without which the thing made is not what later operations are about. */
const WITH: Readonly<Record<string, readonly string[]>> = { agentCreateTask: ['board_id'], createSecretGrant: ['agent_id'] };

/** What the items of a list name, where the list's own name does not say it. */
const NAMES_OF_ITEMS: Readonly<Record<string, string>> = { depends_on: 'task_id' };

/** Fields that name things by another word. */
const KNOWN_AS: Readonly<Record<string, string>> = { entity_id: 'agent_id' };

/** Operations that make a thing, or change the one of that name, and answer both alike. */
const SAVES: ReadonlySet<string> = new Set(['saveCircuitBreaker']);

/** Where a path names a thing by its name. */
const BY_NAME: ReadonlySet<string> = new Set(['/api/v1/circuit-breakers']);

/** Things that only their maker may touch: they are made by the caller who is looked at. */
const MAKERS_OWN: ReadonlySet<string> = new Set(['createApiKey']);

/**
 * Makes what operations need, through the API itself: the operation that creates a thing is looked up in the document
 * by the path it stands at, and its body is made from its schema.
 */
export class Fixtures {
  private readonly shared = new Map<string, Promise<string>>();
  private readonly names = new Map<string, string>();
  private readonly endpoints: Endpoints;
  /** Ids of everything that was made, by tenant: no answer to the other tenant may hold one. */
  readonly made: Record<Side, Ids>;
  private readonly operations: PlacedOperation[];

  constructor(
    private readonly plane: RunningPlane,
    private readonly document: OpenApiDocument,
    private readonly tenants: Tenants,
  ) {
    this.made = { own: new Ids(tenants.own.id, tenants.own.agentId), foreign: new Ids(tenants.foreign.id, tenants.foreign.agentId) };
    this.endpoints = new Endpoints(plane, tenants, this.made);
    this.operations = operationsOf(document);
  }

  /** The path of an operation with its ids filled in; `which` says whose. Fresh things when the call will change them. */
  async path({ path }: PlacedOperation, which: Side | 'absent', fresh = false, maker?: Record<string, string>): Promise<string> {
    if (which !== 'absent' && OF_ENDPOINTS.test(path)) return this.endpoints.path(path, which, fresh);
    const segments = path.split('/');
    const filled: string[] = [];
    for (const [index, segment] of segments.entries()) {
      filled.push(segment.startsWith('{') ? await this.id(segments.slice(0, index), filled, segment.slice(1, -1), which, fresh, maker) : segment);
    }
    return filled.join('/');
  }

  /** @param filled the segments before it, with their ids: what lies in another thing is made in that one */
  private async id(before: string[], filled: string[], parameter: string, which: Side | 'absent', fresh: boolean, maker?: Record<string, string>): Promise<string> {
    if (which === 'absent') return newId();
    const collection = before.join('/');
    // The first one is there with its workflow.
    if (collection.endsWith('/versions')) return '1';
    if (collection === '/api/v1/compliance/purges') return this.purge(which);
    if (collection === '/api/v1/approval-links') return this.linkToken(which);
    if (OF_TENANTS.has(collection)) return this.tenants[which].id;
    if (SESSIONS.has(collection)) return this.session(which, fresh ? maker : undefined);
    if (collection === '/api/v1/notifications') return this.notice(which, fresh && !maker, fresh ? maker : undefined);
    if (collection === '/api/v1/workflow-runs') return fresh ? this.run(which) : this.runOnce(which);
    const inside = this.creatorAt(collection);
    if (inside && collection.includes('{')) return this.make(inside, which, maker, filled.join('/'));
    const creator = inside ?? this.creatorNamed(before.at(-1) ?? '') ?? this.creatorNamed(`${parameter.replace(/_id$/, '')}s`);
    if (!creator) throw new Error(`No operation of the document makes what {${parameter}} in ${collection} names.`);
    const id = await (fresh ? this.make(creator, which, maker) : this.once(creator, which));
    return BY_NAME.has(collection) ? (this.names.get(id) ?? id) : id;
  }

  /** A session is made by signing in: one of the maker's, or of the tenant's administrator. */
  private async session(side: Side, maker?: Record<string, string>): Promise<string> {
    const me = maker && (await call(this.plane, 'GET', '/api/v1/auth/me', maker));
    const { email } = me?.status === 200 ? (JSON.parse(me.text) as { email: string }) : await must<{ email: string }>(this.plane, 'GET', '/api/v1/auth/me', this.tenants[side].admin);
    const { access_token: token } = await must<{ access_token: string }>(this.plane, 'POST', '/api/v1/auth/login', {}, { email, password: PASSWORD });
    const { items } = await must<{ items: { id: string; current: boolean }[] }>(this.plane, 'GET', '/api/v1/auth/sessions', bearer(token));
    const id = items.find(({ current }) => current)?.id ?? '';
    this.made[side].add(id);
    return id;
  }

  /** The plane makes notices, no operation does: one lies in the inbox of the maker, of the tenant's administrator, or where operators look. */
  private async notice(side: Side, shared: boolean, maker?: Record<string, string>): Promise<string> {
    const me = maker && (await call(this.plane, 'GET', '/api/v1/auth/me', maker));
    const { id: user } = me?.status === 200 ? (JSON.parse(me.text) as { id: string }) : await must<{ id: string }>(this.plane, 'GET', '/api/v1/auth/me', this.tenants[side].admin);
    const id = newId();
    await withAdmin((admin) => admin.query(`insert into notifications (tenant_id, inbox, id, user_id, type, severity, title)
      select tenant_id, coalesce(owner, '${SHARED_INBOX}'), $1, owner, 'matrix', 'info', 'A notice' from (select tenant_id, case when $3 then null else id end as owner from users where id = $2) as reader`, [id, user, shared]), this.plane.database.name);
    this.made[side].add(id);
    return id;
  }

  /** The token of a link that decides on what the tenant's agent asked for. Used once, so each is a new one. */
  private async linkToken(side: Side): Promise<string> {
    const { id } = await must<{ id: string }>(this.plane, 'POST', '/api/v1/agent/approvals', this.tenants[side].agent, { title: unique('matrix'), action: { kind: 'test', arguments: {} } });
    const { approve_url: url } = await must<{ approve_url: string }>(this.plane, 'POST', `/api/v1/approvals/${id}/links`, this.tenants[side].admin, {});
    return url.split('/').at(-1) ?? '';
  }

  private runOnce(side: Side): Promise<string> {
    const known = this.shared.get(`run ${side}`) ?? this.run(side);
    this.shared.set(`run ${side}`, known);
    return known;
  }

  /** A run that waits: the plane has done with it what it does by itself. */
  private async run(side: Side): Promise<string> {
    const { id: workflowId } = await must<{ id: string }>(this.plane, 'POST', '/api/v1/workflows', this.tenants[side].admin, { name: unique('matrix'), steps: [{ key: 'nap', type: 'wait', config: { seconds: 3_600 } }] });
    this.made[side].add(workflowId);
    const { run_id: id } = await must<{ run_id: string }>(this.plane, 'POST', `/api/v1/workflows/${workflowId}/run`, this.tenants[side].admin, {});
    this.made[side].add(id);
    await eventually(async () => (await must<{ status: string }>(this.plane, 'GET', `/api/v1/workflow-runs/${id}`, this.tenants[side].admin)).status === 'running');
    return id;
  }

  /** A purge of an agent made for it; asked for by somebody who has just signed in. */
  private async purge(side: Side): Promise<string> {
    const known = this.shared.get(`purge ${side}`) ?? this.makePurge(side);
    this.shared.set(`purge ${side}`, known);
    return known;
  }

  private async makePurge(side: Side): Promise<string> {
    const { email } = await must<{ email: string }>(this.plane, 'GET', '/api/v1/auth/me', this.tenants[side].admin);
    const { access_token: token } = await must<{ access_token: string }>(this.plane, 'POST', '/api/v1/auth/login', {}, { email, password: PASSWORD });
    const { id } = await must<{ id: string }>(this.plane, 'POST', '/api/v1/compliance/purge', bearer(token), { entity_type: 'agent', entity_id: await this.reference('agent_id', side, true) });
    this.made[side].add(id);
    return id;
  }

  /** The query that an operation cannot do without. */
  async query({ operation }: PlacedOperation, side: Side): Promise<string[]> {
    const required = (operation.parameters ?? []).flatMap((parameter) => ('in' in parameter && parameter.in === 'query' && parameter.required ? [parameter] : []));
    return Promise.all(required.map(async ({ name, schema }) => `${name}=${encodeURIComponent(String(HINTS[operation.operationId]?.[name] ?? (await this.value(schema, name, side, false))))}`));
  }

  private once(creator: PlacedOperation, side: Side): Promise<string> {
    const key = `${creator.operation.operationId} ${side}`;
    const found = this.shared.get(key) ?? this.make(creator, side);
    this.shared.set(key, found);
    return found;
  }

  private async make(creator: PlacedOperation, side: Side, maker?: Record<string, string>, at?: string): Promise<string> {
    const { operationId, 'x-roles': roles = [] } = creator.operation;
    const usual = roles.includes('admin') ? this.tenants[side].admin : this.tenants[side].agent;
    const headers = maker && MAKERS_OWN.has(operationId) ? maker : usual;
    const made = await must<Record<string, unknown>>(this.plane, creator.method, at ?? (await this.path(creator, side)), headers, await this.body(creator, side, true));
    const id = idIn(made);
    if (!id) throw new Error(`${operationId} made something without an id: ${JSON.stringify(made)}`);
    this.made[side].add(id);
    if (typeof made['name'] === 'string') this.names.set(id, made['name']);
    await this.link(`${creator.path}/${id}`, `${creator.path}/{id}/agents/{agent_id}`, side);
    return id;
  }

  /** Puts the tenant's agent on what agents can be put on: they see nothing of the rest. */
  private async link(place: string, template: string, side: Side): Promise<void> {
    if (this.document.paths[template]?.put) await must(this.plane, 'PUT', `${place}/agents/${this.tenants[side].agentId}`, this.tenants[side].admin);
  }

  /** What can be put at a path is put there before it is read or removed. */
  async prepare(placed: PlacedOperation, path: string, side: Side): Promise<void> {
    const put = placed.method === 'put' || placed.method === 'post' ? undefined : this.document.paths[placed.path]?.put;
    if (put && !put.requestBody && put['x-roles']?.includes('admin')) await must(this.plane, 'PUT', path, this.tenants[side].admin);
  }

  private creatorAt(path: string): PlacedOperation | undefined {
    return this.operations.find((placed) => placed.path === path && placed.method === 'post' && this.makesSomething(placed));
  }

  /** For paths that show what stands elsewhere: `/agent/boards/{id}/tasks` names a board of `/boards`. */
  private creatorNamed(name: string): PlacedOperation | undefined {
    const creators = this.operations.filter((placed) => placed.method === 'post' && placed.path.split('/').at(-1) === name && this.makesSomething(placed));
    return creators.find(({ path }) => path === `/api/v1/${name}`) ?? creators.find(({ path }) => !path.includes('{'));
  }

  private makesSomething({ operation }: PlacedOperation): boolean {
    const { status, schema } = successOf(operation);
    if ((status !== 201 && !SAVES.has(operation.operationId)) || !schema) return false;
    const { properties = {} } = resolveSchema(schema, this.document.components.schemas);
    return properties['id'] !== undefined || Object.values(properties).some((property) => resolveSchema(property, this.document.components.schemas).properties?.['id'] !== undefined);
  }

  /** A valid body: what is required, or the first simple thing when nothing is, so that a change changes something. */
  async body(placed: PlacedOperation, side: Side | 'absent', fresh = false): Promise<Record<string, unknown> | undefined> {
    const schema = requestSchema(placed.operation);
    if (!schema) return undefined;
    const body = (await this.value(schema, '', side, fresh)) as Record<string, unknown>;
    for (const field of WITH[placed.operation.operationId] ?? []) body[field] = await this.reference(field, side);
    if (Object.keys(body).length === 0 && placed.method !== 'post') Object.assign(body, await this.firstSimple(schema, side, fresh));
    return { ...body, ...HINTS[placed.operation.operationId] };
  }

  /** The fields that a request cannot do without. */
  async required(placed: PlacedOperation, side: Side): Promise<Record<string, unknown>> {
    const schema = requestSchema(placed.operation);
    return schema ? ((await this.value(schema, '', side, true)) as Record<string, unknown>) : {};
  }

  /** A right value of one field of a request. */
  field(placed: PlacedOperation, name: string, side: Side): Promise<unknown> {
    const property = resolveSchema(requestSchema(placed.operation) ?? {}, this.document.components.schemas).properties?.[name] ?? {};
    return this.value(property, name, side, true);
  }

  private async firstSimple(schema: Schema, side: Side | 'absent', fresh: boolean): Promise<Record<string, unknown>> {
    const { properties = {} } = resolveSchema(schema, this.document.components.schemas);
    const isSimple = ([name, property]: [string, Schema]): boolean => !name.endsWith('_id') && (hasType(property, 'string') || hasType(property, 'boolean'));
    const [name, property] = Object.entries(properties).find((entry) => isSimple(entry) && !entry[1].enum) ?? Object.entries(properties).find(isSimple) ?? [];
    return name !== undefined && property ? { [name]: await this.value(property, name, side, fresh) } : {};
  }

  private async value(given: Schema, name: string, side: Side | 'absent', fresh: boolean): Promise<unknown> {
    const schema = resolveSchema(given, this.document.components.schemas);
    if (schema.format === 'uuid' || (name.endsWith('_id') && hasType(schema, 'string'))) return this.reference(name, side, fresh);
    if (schema.format === 'email') return `${unique('someone')}@example.org`;
    // How long it would wait is looked at elsewhere.
    if (name.startsWith('wait')) return 0;
    if (name === 'slug' || name === 'subject') return unique(name);
    if (name === 'name' || name === 'title') return unique('matrix');
    if (schema.properties) {
      const required = Object.entries(schema.properties).filter(([property]) => schema.required?.includes(property));
      const values = await Promise.all(required.map(async ([property, part]) => [property, await this.value(part, property, side, fresh)] as const));
      return Object.fromEntries(values);
    }
    if (hasType(schema, 'array') && schema.items && schema.examples === undefined) return [await this.value(schema.items, NAMES_OF_ITEMS[name] ?? name.replace(/s$/, '_id'), side, fresh)];
    const part = (schema.anyOf ?? schema.oneOf)?.find(({ type }) => type !== 'null');
    if (part && schema.examples === undefined) return this.value(part, name, side, fresh);
    return schema.examples?.[0] ?? schema.enum?.[0] ?? schema.default ?? plainValue(schema);
  }

  /** A thing that a field refers to by id: `task_id` is a task. Fields that name nothing the document makes get a new id. */
  async reference(field: string, side: Side | 'absent', fresh = false): Promise<string> {
    const creator = side === 'absent' ? undefined : this.creatorOfField(field);
    if (!creator || side === 'absent') return newId();
    return fresh ? this.make(creator, side) : this.once(creator, side);
  }

  creatorOfField(field: string): PlacedOperation | undefined {
    return this.creatorNamed(`${(KNOWN_AS[field] ?? field).replace(/_id$/, '').split('_').at(-1) ?? ''}s`);
  }
}

function plainValue(schema: Schema): unknown {
  if (hasType(schema, 'boolean')) return true;
  if (hasType(schema, 'integer') || hasType(schema, 'number')) return schema.minimum ?? 1;
  return hasType(schema, 'string') ? 'text'.padEnd(schema.minLength ?? 4, 'x') : {};
}

function idIn(value: Record<string, unknown>): string | undefined {
  if (typeof value['id'] === 'string') return value['id'];
  const nested = Object.values(value).find((part): part is { id: string } => typeof part === 'object' && part !== null && 'id' in part && typeof part.id === 'string');
  return nested?.id;
}
