import { newId } from '../../../src/core/ids.js';
import { operationsOf, type OpenApiDocument, type PlacedOperation, resolveSchema, type Schema } from '../../../src/platform/openapi/document.types.js';
import { PASSWORD, unique } from '../../support/factories.js';
import type { Plane } from '../../support/plane.js';
import { hasType, requestSchema, successOf } from '../openapi-document.js';
import { must, type Side, type Tenant } from './callers.js';

export type Tenants = Record<Side, Tenant>;

/** Bodies that say more than their schema can: what the schema alone would make is refused for another reason. */
const HINTS: Readonly<Record<string, Record<string, unknown>>> = {
  createUser: { password: PASSWORD },
  register: { password: PASSWORD },
  createApiKey: { scopes: ['task:read'] },
};

/**
 * Makes what operations need, through the API itself: the operation that creates a thing is looked up in the document
 * by the path it stands at, and its body is made from its schema.
 */
export class Fixtures {
  private readonly shared = new Map<string, Promise<string>>();
  /** Ids of everything that was made, by tenant: no answer to the other tenant may hold one. */
  readonly made: Record<Side, Set<string>>;

  constructor(
    private readonly plane: Plane,
    private readonly document: OpenApiDocument,
    private readonly tenants: Tenants,
  ) {
    this.made = { own: new Set([tenants.own.id, tenants.own.agentId]), foreign: new Set([tenants.foreign.id, tenants.foreign.agentId]) };
  }

  /** The path of an operation with its ids filled in; `which` says whose. Fresh things when the call will change them. */
  async path({ path }: PlacedOperation, which: Side | 'absent', fresh = false): Promise<string> {
    const segments = path.split('/');
    const filled: string[] = [];
    for (const [index, segment] of segments.entries()) {
      filled.push(segment.startsWith('{') ? await this.id(segments.slice(0, index), segment.slice(1, -1), which, fresh) : segment);
    }
    return filled.join('/');
  }

  private async id(before: string[], parameter: string, which: Side | 'absent', fresh: boolean): Promise<string> {
    if (which === 'absent') return newId();
    const collection = before.join('/');
    if (collection === '/api/v1/tenants') return fresh && which === 'own' ? this.tenants.own.id : this.tenants[which].id;
    const creator = this.creatorAt(collection) ?? this.creatorNamed(before.at(-1) ?? '') ?? this.creatorNamed(`${parameter.replace(/_id$/, '')}s`);
    if (!creator) throw new Error(`No operation of the document makes what {${parameter}} in ${collection} names.`);
    return fresh ? this.make(creator, which) : this.once(creator, which);
  }

  private once(creator: PlacedOperation, side: Side): Promise<string> {
    const key = `${creator.operation.operationId} ${side}`;
    const found = this.shared.get(key) ?? this.make(creator, side);
    this.shared.set(key, found);
    return found;
  }

  private async make(creator: PlacedOperation, side: Side): Promise<string> {
    const roles = creator.operation['x-roles'] ?? [];
    const headers = roles.includes('admin') ? this.tenants[side].admin : this.tenants[side].agent;
    const made = await must<Record<string, unknown>>(this.plane, creator.method, await this.path(creator, side), headers, await this.body(creator, side));
    const id = idIn(made);
    if (!id) throw new Error(`${creator.operation.operationId} made something without an id: ${JSON.stringify(made)}`);
    this.made[side].add(id);
    return id;
  }

  private creatorAt(path: string): PlacedOperation | undefined {
    return operationsOf(this.document).find((placed) => placed.path === path && placed.method === 'post' && this.makesSomething(placed));
  }

  /** For paths that show what stands elsewhere: `/agent/boards/{id}/tasks` names a board of `/boards`. */
  private creatorNamed(name: string): PlacedOperation | undefined {
    const creators = operationsOf(this.document).filter((placed) => placed.method === 'post' && placed.path.split('/').at(-1) === name && this.makesSomething(placed));
    return creators.find(({ path }) => path === `/api/v1/${name}`) ?? creators.find(({ path }) => !path.includes('{'));
  }

  private makesSomething({ operation }: PlacedOperation): boolean {
    const { status, schema } = successOf(operation);
    if (status !== 201 || !schema) return false;
    const { properties = {} } = resolveSchema(schema, this.document.components.schemas);
    return properties['id'] !== undefined || Object.values(properties).some((property) => resolveSchema(property, this.document.components.schemas).properties?.['id'] !== undefined);
  }

  /** A valid body: what is required, or the first simple thing when nothing is, so that a change changes something. */
  async body(placed: PlacedOperation, side: Side | 'absent'): Promise<Record<string, unknown> | undefined> {
    const schema = requestSchema(placed.operation);
    if (!schema) return undefined;
    const body = (await this.value(schema, '', side)) as Record<string, unknown>;
    if (Object.keys(body).length === 0 && placed.method !== 'post') Object.assign(body, await this.firstSimple(schema, side));
    return { ...body, ...HINTS[placed.operation.operationId] };
  }

  private async firstSimple(schema: Schema, side: Side | 'absent'): Promise<Record<string, unknown>> {
    const { properties = {} } = resolveSchema(schema, this.document.components.schemas);
    const isSimple = ([name, property]: [string, Schema]): boolean => !name.endsWith('_id') && (hasType(property, 'string') || hasType(property, 'boolean'));
    const [name, property] = Object.entries(properties).find((entry) => isSimple(entry) && !entry[1].enum) ?? Object.entries(properties).find(isSimple) ?? [];
    return name !== undefined && property ? { [name]: await this.value(property, name, side) } : {};
  }

  private async value(given: Schema, name: string, side: Side | 'absent'): Promise<unknown> {
    const schema = resolveSchema(given, this.document.components.schemas);
    if (schema.format === 'uuid' || (name.endsWith('_id') && hasType(schema, 'string'))) return this.reference(name, side);
    if (schema.format === 'email') return `${unique('someone')}@example.org`;
    if (name === 'slug') return unique('slug');
    if (name === 'name' || name === 'title') return unique('matrix');
    if (schema.properties) {
      const required = Object.entries(schema.properties).filter(([property]) => schema.required?.includes(property));
      const values = await Promise.all(required.map(async ([property, part]) => [property, await this.value(part, property, side)] as const));
      return Object.fromEntries(values);
    }
    if (hasType(schema, 'array') && schema.items && schema.examples === undefined) return [await this.value(schema.items, name.replace(/s$/, '_id'), side)];
    return schema.examples?.[0] ?? schema.enum?.[0] ?? schema.default ?? plainValue(schema);
  }

  /** A thing that a field refers to by id: `task_id` is a task. Fields that name nothing the document makes get a new id. */
  async reference(field: string, side: Side | 'absent'): Promise<string> {
    const creator = side === 'absent' ? undefined : this.creatorOfField(field);
    return creator && side !== 'absent' ? this.once(creator, side) : newId();
  }

  creatorOfField(field: string): PlacedOperation | undefined {
    return this.creatorNamed(`${field.replace(/_id$/, '').split('_').at(-1) ?? ''}s`);
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
