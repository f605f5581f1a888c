import type { OpenApiDocument, OperationObject, Parameter, PlacedOperation } from './document.types.js';
import { resolveSchema } from './document.types.js';
import { normalizeSchema } from './schemas.js';

/** Parameters that the platform understands on every operation of a kind. */
export const COMMON_PARAMETERS: Record<string, Parameter> = {
  RequestId: {
    name: 'X-Request-Id',
    in: 'header',
    description: 'Id of this request, 1 to 128 visible ASCII characters; made when left out. It comes back in the answer and stands in logs and audit rows.',
    schema: { type: 'string', minLength: 1, maxLength: 128 },
    example: 'deploy-2026-01-31-7',
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'The first answer to a key is stored for 24 hours and given again to every repetition of the same request.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
    example: '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00',
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description: 'The ETag that the change is based on; the answer is 412 when the resource has changed since.',
    schema: { type: 'string', maxLength: 1024 },
    example: '"0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00.3"',
  },
  TenantId: {
    name: 'tenant_id',
    in: 'query',
    description: 'Id or slug of the tenant to act for. Admins of the operator tenant may name any, other admins their own.',
    schema: { type: 'string', maxLength: 64 },
    example: 'default',
  },
};

const commonRef = (name: keyof typeof COMMON_PARAMETERS): { $ref: string } => ({ $ref: `#/components/parameters/${name}` });

/** Completes what an operation takes: own parameters in the form of 3.1, then those of the platform. */
export function completeParameters(placed: PlacedOperation, document: OpenApiDocument): void {
  const { operation, method } = placed;
  const own = (operation.parameters ?? []).filter((parameter): parameter is Parameter => 'name' in parameter).map(ownParameter);
  const common = [commonRef('RequestId')];
  if (method === 'post') common.push(commonRef('IdempotencyKey'));
  if (takesIfMatch(placed, document)) common.push(commonRef('IfMatch'));
  if (operation['x-roles']?.includes('admin') && !own.some(({ name }) => name === 'tenant_id')) common.push(commonRef('TenantId'));
  operation.parameters = [...own, ...common];
}

function ownParameter(parameter: Parameter): Parameter {
  const schema = normalizeSchema(parameter.schema);
  const { description: ofSchema, examples, ...rest } = schema;
  const isId = parameter.in === 'path' && /(^|_)id$/.test(parameter.name);
  const description = parameter.description ?? ofSchema ?? (isId ? 'Id of the resource.' : undefined);
  const example = parameter.example ?? examples?.[0] ?? (isId ? '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00' : undefined);
  return {
    name: parameter.name,
    in: parameter.in,
    required: parameter.required === true,
    ...(description === undefined ? {} : { description }),
    schema: { ...rest, ...(isId ? { format: 'uuid', maxLength: 36 } : {}) },
    ...(example === undefined ? {} : { example }),
  };
}

/** Whether the operation changes one resource that has a revision: it answers with one, or reading its path does. */
export function takesIfMatch({ path, method, operation }: PlacedOperation, document: OpenApiDocument): boolean {
  if (!['put', 'patch', 'delete'].includes(method)) return false;
  const read = document.paths[path]?.get;
  return isRevisioned(operation, document) || (read !== undefined && isRevisioned(read, document));
}

/** Whether the answer carries an id and a revision, and with them an ETag. */
export function isRevisioned(operation: OperationObject, document: OpenApiDocument): boolean {
  const success = Object.entries(operation.responses).find(([status]) => status.startsWith('2'))?.[1];
  const schema = success?.content?.['application/json']?.schema;
  const properties = schema ? resolveSchema(schema, document.components.schemas).properties : undefined;
  return properties?.['id'] !== undefined && properties['revision'] !== undefined;
}
