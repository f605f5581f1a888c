/** The parts of an OpenAPI 3.1 document that this project writes. Nest's own types are those of 3.0. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  title?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  /** OpenAPI 3.0; turned into `examples`. */
  example?: unknown;
  nullable?: boolean;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  maxProperties?: number;
  /** Most bytes of the value as JSON text. */
  'x-max-bytes'?: number;
}

export interface Parameter {
  $ref?: string;
  name: string;
  in: 'query' | 'header' | 'path' | 'cookie';
  required?: boolean;
  description?: string;
  schema: Schema;
  example?: unknown;
}

export interface MediaType {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, { $ref: string } | { summary?: string; value: unknown }>;
}

export interface ResponseObject {
  description: string;
  headers?: Record<string, object>;
  content?: Record<string, MediaType>;
  'x-problem-codes'?: string[];
}

export interface OperationObject {
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: (Parameter | { $ref: string })[];
  requestBody?: { required?: boolean; content: Record<string, MediaType> };
  responses: Record<string, ResponseObject>;
  security?: Record<string, string[]>[];
  'x-permission'?: string;
  'x-roles'?: string[];
  'x-audited'?: boolean;
  'x-ratelimit'?: unknown;
  'x-aliases'?: string[];
}

export type Method = 'get' | 'put' | 'post' | 'delete' | 'patch';
export const METHODS: readonly Method[] = ['get', 'post', 'put', 'patch', 'delete'];

export interface OpenApiDocument {
  openapi: string;
  info: Record<string, unknown>;
  servers: { url: string; description?: string }[];
  tags: { name: string; description: string }[];
  'x-tagGroups': { name: string; tags: string[] }[];
  paths: Record<string, Partial<Record<Method, OperationObject>>>;
  components: {
    securitySchemes: Record<string, object>;
    parameters: Record<string, Parameter>;
    headers: Record<string, object>;
    examples: Record<string, { summary: string; value: unknown }>;
    schemas: Record<string, Schema>;
  };
}

/** One operation with the place where it stands. */
export interface PlacedOperation {
  path: string;
  method: Method;
  operation: OperationObject;
}

/** Every operation of a document, in the order of its paths. */
export function operationsOf(document: Pick<OpenApiDocument, 'paths'>): PlacedOperation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation ? [{ path, method, operation }] : [];
    }),
  );
}

const SCHEMA_PREFIX = '#/components/schemas/';

/** The name behind a reference to a schema of the document, or undefined. */
export function schemaName(schema: Schema | undefined): string | undefined {
  return schema?.$ref?.startsWith(SCHEMA_PREFIX) ? schema.$ref.slice(SCHEMA_PREFIX.length) : undefined;
}

/** The schema itself, with one reference followed. */
export function resolveSchema(schema: Schema, schemas: Record<string, Schema>): Schema {
  const name = schemaName(schema);
  return name === undefined ? schema : (schemas[name] ?? schema);
}

export const schemaRef = (name: string): Schema => ({ $ref: `${SCHEMA_PREFIX}${name}` });
