import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { BaseResolver, createConfig, lintDocument, makeDocumentFromString } from '@redocly/openapi-core';
import { PERMISSION_NAMES, PERMISSIONS } from '../../src/core/permissions.js';
import { PROBLEMS, type ProblemCode } from '../../src/core/problem-catalogue.js';
import { ALIASES } from '../../src/platform/http/aliases.js';
import { operationsOf, type PlacedOperation, type Schema } from '../../src/platform/openapi/document.types.js';
import { type Plane, startPlane } from '../support/plane.js';
import { committedDocument, hasType, parametersOf, requestSchema, successOf, walkSchema } from './openapi-document.js';

const document = committedDocument();
const operations = operationsOf(document);

/** Complaints about each operation, as one readable list: an empty one passes. */
const isSuccess = (status: string): boolean => /^[23]/.test(status);

function complaints(check: (placed: PlacedOperation) => (string | false | undefined)[]): string[] {
  return operations.flatMap((placed) => check(placed).filter((text): text is string => typeof text === 'string').map((text) => `${placed.operation.operationId}: ${text}`));
}

describe('the OpenAPI document', () => {
  it('is what this build makes, and so are the other generated files', () => {
    const run = (): string => execFileSync(process.execPath, [join('dist', 'tools', 'write-openapi.js'), '--check'], { encoding: 'utf8', env: { PATH: process.env['PATH'] } });
    expect(run()).toBe('');
  });

  it('is valid OpenAPI 3.1, without a warning, and its examples fit their schemas', async () => {
    // That there is one answer of success, which may be a redirect, is asked below.
    const config = await createConfig({ extends: ['recommended-strict'], rules: { 'operation-2xx-response': 'off' } });
    const problems = await lintDocument({
      document: makeDocumentFromString(JSON.stringify(document), 'openapi.json'),
      externalRefResolver: new BaseResolver(),
      config: config.styleguide,
    });
    expect(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ''}`)).toEqual([]);
  });

  it('names every operation once, with a summary, a description and a place', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(
      complaints(({ operation: { operationId, summary = '', description = '', tags = [] } }) => [
        !/^[a-z][A-Za-z0-9]+$/.test(operationId) && 'its id is not in camelCase',
        (summary.length < 4 || summary.length > 120) && `its summary has ${summary.length} characters`,
        !description.includes('| Who may call | Limits | Audited |') && 'its description does not say who may call it',
        !/^[A-Z][a-z]+ \/ .+/.test(tags[0] ?? '') && 'it has no tag of the form Wing / Domain',
        tags.length !== 1 && 'it has not exactly one tag',
      ]),
    ).toEqual([]);
  });

  it('says of every operation who may call it, how often, and whether it is audited', () => {
    expect(
      complaints(({ operation }) => {
        const permission = operation['x-permission'] ?? '';
        const entry = permission === 'public' ? undefined : PERMISSIONS[permission as keyof typeof PERMISSIONS];
        const roles = entry ? [...entry.roles, ...(entry.agent ? ['agent'] : [])] : ['anyone'];
        const limits = (operation['x-ratelimit'] ?? []) as { name: string; limit: number; window_seconds: number; counts: string }[];
        return [
          permission !== 'public' && !PERMISSION_NAMES.includes(permission as keyof typeof PERMISSIONS) && 'its permission is not in the catalogue',
          JSON.stringify(operation['x-roles']) !== JSON.stringify(roles) && 'its roles are not those of its permission',
          typeof operation['x-audited'] !== 'boolean' && 'it does not say whether it is audited',
          permission !== 'public' && !limits.some(({ name }) => name === 'api') && 'it does not count against api',
          limits.some(({ limit, window_seconds: seconds, counts }) => !(limit > 0 && seconds > 0 && counts)) && 'a limit of it is incomplete',
          (permission === 'public') !== (operation.security?.length === 0) && 'its credentials do not fit its permission',
        ];
      }),
    ).toEqual([]);
  });

  it('bounds every string, array and object that a request may carry', () => {
    const unbounded = (schema: Schema): string | undefined => {
      if (schema.enum || schema.const !== undefined) return undefined;
      if (hasType(schema, 'string') && schema.maxLength === undefined && schema.format !== 'date-time') return 'a string without maxLength';
      if (hasType(schema, 'array') && schema.maxItems === undefined) return 'an array without maxItems';
      const isFree = schema.type === undefined && !schema.anyOf && !schema.oneOf && !schema.allOf;
      if ((isFree || (hasType(schema, 'object') && schema.additionalProperties === true)) && schema['x-max-bytes'] === undefined) return 'a free value without a size';
      if (hasType(schema, 'object') && schema.properties && schema.additionalProperties !== false) return 'an object that takes unknown fields';
      return undefined;
    };
    expect(
      complaints(({ operation }) => {
        const found: string[] = [];
        const bounded: string[] = [];
        const visit = (prefix: string) => (schema: Schema, path: string) => {
          const complaint = unbounded(schema);
          // What a whole may have at most, its parts may have together.
          if (schema['x-max-bytes'] !== undefined) bounded.push(path);
          if (complaint && !bounded.some((whole) => path.startsWith(`${whole}.`))) found.push(`${prefix}${path} is ${complaint}`);
        };
        const body = requestSchema(operation);
        if (body) walkSchema(body, document, visit('body.'));
        for (const parameter of parametersOf(operation, document)) walkSchema(parameter.schema, document, visit(`${parameter.in} ${parameter.name}`));
        return found;
      }),
    ).toEqual([]);
  });

  it('describes every parameter and property, with an example where the type says little', () => {
    const silent = new Set<string>();
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      for (const [property, part] of Object.entries(schema.properties ?? {})) {
        const saysLittle = (hasType(part, 'string') || hasType(part, 'number') || hasType(part, 'integer')) && !part.enum && part.default === undefined && !part.format && !hasType(part, 'null');
        if (saysLittle && part.examples === undefined) silent.add(`${name}.${property} has no example`);
      }
    }
    expect([...silent]).toEqual([]);
    expect(complaints(({ operation }) => parametersOf(operation, document).map((parameter) => !parameter.description && `parameter ${parameter.name} is not described`))).toEqual([]);
  });

  it('shows one answer of success with a schema and an example', () => {
    expect(
      complaints(({ operation }) => {
        const successes = Object.keys(operation.responses).filter(isSuccess);
        const { status, type, schema, example } = successOf(operation);
        return [
          successes.length !== 1 && `it has ${successes.length} answers of success`,
          (status === 204 || status >= 300) && type !== undefined && 'it answers without content, with content',
          status < 300 && status !== 204 && !schema && 'its answer has no schema',
          status < 300 && status !== 204 && example === undefined && 'its answer has no example',
          requestSchema(operation) && operation.requestBody?.content['application/json']?.example === undefined && 'its request has no example',
        ];
      }),
    ).toEqual([]);
  });

  it('lists problems from the catalogue, each under its status', () => {
    expect(
      complaints(({ operation }) => {
        const refusals = Object.entries(operation.responses).filter(([status]) => !isSuccess(status));
        const codes = refusals.flatMap(([, response]) => response['x-problem-codes'] ?? []);
        return [
          ...refusals.map(([status, response]) => !response.content?.['application/problem+json'] && `its ${status} is no problem`),
          ...refusals.flatMap(([status, response]) => (response['x-problem-codes'] ?? []).map((code) => PROBLEMS[code as ProblemCode].status !== Number(status) && `${code} stands under ${status}`)),
          !codes.includes('internal') && 'it does not list internal',
          operation['x-permission'] !== 'public' && !['unauthenticated', 'token_expired', 'forbidden', 'tenant_suspended', 'account_disabled', 'agent_killed', 'agent_inactive', 'address_not_allowed'].every((code) => codes.includes(code)) && 'it does not list what happens without the right credentials',
        ];
      }),
    ).toEqual([]);
  });

  it('lists aliases of operations that exist, at paths that do not', () => {
    const places = new Set(operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`));
    expect(ALIASES.filter(({ method, to }) => !places.has(`${method} ${to}`))).toEqual([]);
    expect(ALIASES.filter(({ method, from }) => places.has(`${method} ${from}`))).toEqual([]);
  });
});

describe('the running application', () => {
  let plane: Plane;
  beforeAll(async () => {
    plane = await startPlane();
  });
  afterAll(() => plane.stop());

  /** Every route that Express knows, in the words of the document, without the files of Swagger UI. */
  function registeredRoutes(): string[] {
    const { router } = plane.app.getHttpAdapter().getInstance() as { router: { stack: { route?: { path: string; methods: Record<string, boolean> } }[] } };
    return router.stack.flatMap(({ route }) =>
      // What stands at every path is middleware.
      route && !route.path.startsWith('/docs') && !route.path.includes('*') ? Object.keys(route.methods).map((method) => `${method} ${route.path.replaceAll(/:(\w+)/g, '{$1}')}`) : [],
    );
  }

  it('answers exactly the operations of the document', () => {
    expect(registeredRoutes().toSorted()).toEqual(operations.map(({ path, method }) => `${method} ${path}`).toSorted());
  });

  it('serves the document with a tag, and answers 304 to whoever has it', async () => {
    const first = await plane.request('GET', '/openapi.json');
    expect(first.status).toBe(200);
    expect(first.headers.get('content-type')).toMatch('application/json');
    expect(first.body).toMatchObject({ openapi: '3.1.0', info: { title: 'Wheelhouse' } });
    expect(Object.keys(first.body['paths'] as object)).toEqual(Object.keys(document.paths));
    const again = await plane.request('GET', '/openapi.json', { headers: { 'if-none-match': first.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
  });

  it('names the public address as its server where one is set', async () => {
    const published = await startPlane({ database: plane.database, environment: { PUBLIC_URL: 'https://wheelhouse.example' } });
    try {
      expect((await published.request('GET', '/openapi.json')).body['servers']).toEqual([{ url: 'https://wheelhouse.example', description: 'This installation.' }]);
    } finally {
      await published.stop();
    }
  });

  it('serves Swagger UI that its own Content-Security-Policy lets run', async () => {
    const page = await plane.request<string>('GET', '/docs');
    expect(page.status).toBe(200);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(/script-src ([^;]*)/.exec(policy)?.[1]).toBe("'self'");
    const scripts = [...page.body.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)];
    expect(scripts.length).toBeGreaterThan(0);
    for (const [, attributes = '', inline = ''] of scripts) {
      const source = /src=["']([^"']+)["']/.exec(attributes)?.[1];
      expect(inline.trim()).toBe('');
      const script = await plane.request<string>('GET', new URL(source ?? '', `${plane.url}/docs`).pathname);
      expect(script.status).toBe(200);
      expect(script.headers.get('content-type')).toMatch('javascript');
    }
    const settings = await plane.request<string>('GET', '/docs/swagger-ui-init.js');
    expect(settings.body).toContain('"persistAuthorization": true');
    expect(settings.body).toContain('"filter": true');
  });
});
