import { type OpenApiDocument, type PlacedOperation, resolveSchema, type Schema } from '../../../src/platform/openapi/document.types.js';
import type { RunningPlane } from '../../support/requests.js';
import { login } from '../../support/factories.js';
import { bearer, call, type Caller, makeCallers, makePeople, makeTenant, must, OPERATOR } from '../authorisation/callers.js';
import { Fixtures, type Tenants } from '../authorisation/fixtures.js';
import { requestSchema } from '../openapi-document.js';
import type { Known } from './requests.js';

const FOR_OPERATORS = /^(?:tenant|intake):/;
const PEOPLE = ['admin', 'user', 'client'];
const isIn = ({ roles }: Caller): boolean => roles.length > 0;

/** Two tenants with people, agents, keys and things in them. Requests may spoil it: then it is mended, or made anew. */
export class Ground {
  private constructor(
    private readonly plane: RunningPlane,
    private readonly document: OpenApiDocument,
    private readonly tenants: Tenants,
    private readonly callers: Caller[],
    private readonly outsiders: Caller[],
    private readonly emails: ReadonlyMap<string, string>,
  ) {}

  private isDoubted = false;

  static async make(plane: RunningPlane, document: OpenApiDocument): Promise<Ground> {
    const tenants: Tenants = { own: await makeTenant(plane), foreign: await makeTenant(plane) };
    const garbage: Caller = { name: 'garbage', headers: { authorization: 'Bearer whk_a.b.c' }, roles: [], side: 'own' };
    const callers = await makeCallers(plane, tenants.own, tenants.foreign);
    return Ground.of(plane, document, tenants, callers.filter(isIn), [...callers.filter((caller) => !isIn(caller)), garbage]);
  }

  /** Somebody who was let in was not: the ground is looked at before it is used again. */
  doubt(): void {
    this.isDoubted = true;
  }

  /** The same ground when it carries, mended if need be; else a new one, for the same outsiders. */
  async orAnother(): Promise<Ground> {
    if (!this.isDoubted || (await this.holds())) return this;
    // Who was shut out by rules is let in again, who was signed out signs in.
    for (const { id } of Object.values(this.tenants)) {
      await call(this.plane, 'POST', `/api/v1/tenants/${id}/resume`, OPERATOR, {});
      await call(this.plane, 'PUT', `/api/v1/security/ip-rules?tenant_id=${id}`, OPERATOR, { rules: [], force: true });
      await call(this.plane, 'PUT', `/api/v1/security?tenant_id=${id}`, OPERATOR, { mfa: { required_roles: [] }, sso: { enforced: false } });
    }
    await Promise.all(PEOPLE.map((name) => this.signInAgain(name)));
    return (await this.holds()) ? this : this.another();
  }

  /** New tenants and people, and the same outsiders. */
  async another(): Promise<Ground> {
    const tenants: Tenants = { own: await makeTenant(this.plane), foreign: await makeTenant(this.plane) };
    return Ground.of(this.plane, this.document, tenants, (await makePeople(this.plane, tenants.own, tenants.foreign)).filter(isIn), this.outsiders);
  }

  private static async of(plane: RunningPlane, document: OpenApiDocument, tenants: Tenants, callers: Caller[], outsiders: Caller[]): Promise<Ground> {
    const emailOf = async (name: string): Promise<[string, string]> => {
      const { email } = await must<{ email: string }>(plane, 'GET', '/api/v1/auth/me', callers.find((caller) => caller.name === name)?.headers ?? {});
      return [name, email];
    };
    return new Ground(plane, document, tenants, callers, outsiders, new Map(await Promise.all(PEOPLE.map(emailOf))));
  }

  headersOf(name: string): Record<string, string> {
    return name === 'operator' ? OPERATOR : ([...this.callers, ...this.outsiders].find((caller) => caller.name === name)?.headers ?? {});
  }

  isInsider(name: string): boolean {
    return this.callers.some((caller) => caller.name === name);
  }

  private async signInAgain(name: string): Promise<void> {
    const caller = this.callers.find((candidate) => candidate.name === name);
    const email = this.emails.get(name);
    if (!caller || email === undefined || (await call(this.plane, 'GET', '/api/v1/auth/me', caller.headers)).status === 200) return;
    const { status, body } = await login(this.plane, email);
    if (status === 200) Object.assign(caller.headers, bearer(body.access_token));
  }

  /** Whether those who usually ask can still work. */
  private async holds(): Promise<boolean> {
    this.isDoubted = false;
    const people = PEOPLE.map((name) => call(this.plane, 'GET', '/api/v1/auth/me', this.headersOf(name)));
    const work = ['admin', 'API key with every scope', "another tenant's admin"].map((name) => call(this.plane, 'GET', '/api/v1/tasks?limit=1', this.headersOf(name)));
    const agents = ['agent', "another tenant's agent"].map((name) => call(this.plane, 'GET', '/api/v1/agent/boards?limit=1', this.headersOf(name)));
    return (await Promise.all([...people, ...work, ...agents])).every(({ status }) => status === 200);
  }

  /** New things for an operation: what there was may have been removed. */
  async known(placed: PlacedOperation): Promise<Known> {
    const fixtures = new Fixtures(this.plane, this.document, this.tenants);
    const [own, foreign, ids, body] = await Promise.all([fixtures.path(placed, 'own'), fixtures.path(placed, 'foreign'), this.idsFor(placed, fixtures), fixtures.body(placed, 'own', true)]);
    return { paths: [own, own, own, foreign], callers: this.callersOf(placed), body, ids: (field) => ids.get(field) ?? [] };
  }

  /** Who is usually let in comes first. */
  private callersOf({ operation }: PlacedOperation): string[] {
    const others = [...this.callers, ...this.outsiders].map(({ name }) => name).filter((name) => !name.startsWith('operator'));
    if (FOR_OPERATORS.test(operation['x-permission'] ?? '')) return ['operator', ...others];
    const roles = operation['x-roles'] ?? [];
    const usual = ['admin', 'agent', 'user'].find((name) => roles.includes(name)) ?? 'nobody';
    return [usual, ...others];
  }

  /** Things that exist, for every field of the request that names one. */
  private async idsFor(placed: PlacedOperation, fixtures: Fixtures): Promise<Map<string, string[]>> {
    const fields = new Set<string>();
    const visit = (given: Schema, depth: number): void => {
      const schema = resolveSchema(given, this.document.components.schemas);
      for (const [name, part] of Object.entries(schema.properties ?? {})) {
        if (name.endsWith('_id')) fields.add(name);
        if (part.type === 'array') fields.add(name.replace(/s$/, '_id'));
        if (depth < 4) visit(part, depth + 1);
      }
      if (schema.items && depth < 4) visit(schema.items, depth + 1);
    };
    const body = requestSchema(placed.operation);
    if (body) visit(body, 0);
    for (const parameter of placed.operation.parameters ?? []) if ('in' in parameter && parameter.in === 'query' && parameter.schema.format === 'uuid') fields.add(parameter.name);
    const found = [...fields].filter((field) => field !== 'tenant_id' && fixtures.creatorOfField(field) !== undefined);
    return new Map(await Promise.all(found.map(async (field): Promise<[string, string[]]> => [field, await Promise.all([fixtures.reference(field, 'own'), fixtures.reference(field, 'foreign')])])));
  }
}
