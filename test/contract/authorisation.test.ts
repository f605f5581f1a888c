import { ALIASES } from '../../src/platform/http/aliases.js';
import { operationsOf, type PlacedOperation, resolveSchema } from '../../src/platform/openapi/document.types.js';
import { unique } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';
import { type Answer, call, type Caller, makeCallers, makeTenant, must, OPERATOR, type Side, signedIn } from './authorisation/callers.js';
import { Fixtures, type Tenants } from './authorisation/fixtures.js';
import { committedDocument, requestSchema, successOf } from './openapi-document.js';

const document = committedDocument();
const operations = operationsOf(document);
const hasIds = ({ path }: PlacedOperation): boolean => path.includes('{');

/** What the document says a caller may do with an operation, before any id is looked at. */
function verdict({ operation }: PlacedOperation, caller: Caller): 'reaches' | 'forbidden' | 'unauthenticated' {
  const roles = operation['x-roles'] ?? [];
  if (roles.includes('anyone')) return 'reaches';
  if (caller.roles.length === 0) return 'unauthenticated';
  const inRole = caller.roles.some((role) => roles.includes(role));
  return inRole && (caller.scope === undefined || caller.scope === operation['x-permission']) ? 'reaches' : 'forbidden';
}

/** Operations that only the operator's own administrators may do; the document says so of them in words. */
const isForOperators = ({ operation }: PlacedOperation): boolean => operation['x-permission'] === 'tenant:write';
/** Operations on the caller's own session or account: callers that are no person are told so, and people would lose their session. */
const isOwnAccount = ({ operation }: PlacedOperation): boolean => operation['x-permission']?.startsWith('profile:') ?? false;

/** What belongs to a person: callers without an account of their own, and keys, may be told that it is not for them. */
const needsPerson = (placed: PlacedOperation, caller: Caller): boolean =>
  (isOwnAccount(placed) && caller.headers['authorization'] === undefined) || ((isOwnAccount(placed) || placed.operation['x-permission'] === 'api-key:write') && caller.actsFor !== undefined);

/** What takes a lease besides the permission, and a grant: the matrix's agents hold none, so they learn nothing, not even what there is. */
const takesLease = ({ operation }: PlacedOperation): boolean => operation['x-permission'] === 'secret:use';

describe('the authorisation matrix of the OpenAPI document', () => {
  let plane: Plane;
  let tenants: Tenants;
  let fixtures: Fixtures;
  let callers: Caller[];
  let cells = 0;

  beforeAll(async () => {
    plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
    tenants = { own: await makeTenant(plane), foreign: await makeTenant(plane) };
    fixtures = new Fixtures(plane, document, tenants);
    callers = await makeCallers(plane, tenants.own, tenants.foreign);
  }, 60_000);
  afterAll(async () => {
    await plane.stop();
    process.stdout.write(`authorisation: ${cells} cells over ${operations.length} operations and ${callers.length} callers\n`);
  });

  async function send(placed: PlacedOperation, caller: Caller, which: Side | 'absent', options: { fresh?: boolean } = {}): Promise<Answer> {
    cells += 1;
    const path = await fixtures.path(placed, which, options.fresh, caller.actsFor === undefined ? caller.headers : undefined);
    if (options.fresh) await fixtures.prepare(placed, path, caller.side);
    const body = await fixtures.body(placed, caller.side, options.fresh);
    const actsFor = caller.actsFor !== undefined && (placed.operation['x-roles']?.includes('admin') ?? false) && !isOwnAccount(placed) ? [`tenant_id=${caller.actsFor}`] : [];
    const query = [...(await fixtures.query(placed, caller.side)), ...actsFor].join('&');
    return call(plane, placed.method, query === '' ? path : `${path}?${query}`, await headersFor(placed, caller), body);
  }

  /** A session of its own where the operation may end it. */
  async function headersFor(placed: PlacedOperation, caller: Caller): Promise<Record<string, string>> {
    const role = caller.roles[0];
    const isPerson = caller.headers['authorization'] !== undefined && caller.actsFor === undefined && (role === 'admin' || role === 'user' || role === 'client');
    return isPerson && isOwnAccount(placed) && placed.method === 'post' ? signedIn(plane, tenants[caller.side].id, role) : caller.headers;
  }

  const label = (placed: PlacedOperation, caller: Caller, which: string): string => `${placed.operation.operationId} by ${caller.name}, ${which}`;
  const shown = ({ status, code, text }: Answer): string => `${status} ${code || text.slice(0, 120)}`;
  const documented = (placed: PlacedOperation, { status, code }: Answer): boolean =>
    status < 300 ? status === successOf(placed.operation).status : (placed.operation.responses[String(status)]?.['x-problem-codes'] ?? []).includes(code);

  /** What is wrong with an answer to a caller that the document lets in, on a thing of its own tenant. */
  function complaintOnOwn(placed: PlacedOperation, caller: Caller, answer: Answer): string | undefined {
    if (!documented(placed, answer)) return 'is not in the document';
    if (isForOperators(placed)) return answer.code === 'forbidden' ? undefined : 'lets in others than operators';
    if (placed.operation['x-permission'] === 'public' || needsPerson(placed, caller)) return undefined;
    if (takesLease(placed)) return answer.code === 'lease_required' ? undefined : 'should take a lease';
    if (placed.method === 'get') return answer.status < 300 ? undefined : 'should succeed';
    return ['forbidden', 'not_found', 'unauthenticated', 'invalid_request'].includes(answer.code) ? 'should get past authorisation and validation' : undefined;
  }

  function complaintOnLeak(caller: Caller, answer: Answer): string | undefined {
    const others = fixtures.made[caller.side === 'own' ? 'foreign' : 'own'];
    return [...others].some((id) => answer.text.includes(id)) ? "shows an id of another tenant's" : undefined;
  }

  it('lets in whom the document lets in, and nobody else', async () => {
    const wrong: string[] = [];
    const note = (what: string, answer: Answer, complaint: string | undefined): void => {
      if (complaint !== undefined) wrong.push(`${what}: ${complaint} (${shown(answer)})`);
    };
    for (const placed of operations) {
      for (const caller of callers) {
        const expected = verdict(placed, caller);
        const isOwn = caller.side === 'own';
        if (expected !== 'reaches') {
          const code = expected === 'forbidden' ? 'forbidden' : 'unauthenticated';
          const answers = await Promise.all((hasIds(placed) ? (['own', 'foreign', 'absent'] as const) : (['own'] as const)).map((which) => send(placed, caller, which)));
          for (const answer of answers) note(label(placed, caller, 'any id'), answer, answer.code === code ? undefined : `should be ${code}`);
          if (new Set(answers.map(({ comparable }) => comparable)).size > 1) note(label(placed, caller, 'own, foreign and absent id'), answers[0]!, 'differ');
          continue;
        }
        if (isOwn || !hasIds(placed)) {
          const answer = await send(placed, caller, 'own', { fresh: placed.method !== 'get' });
          note(label(placed, caller, 'own id'), answer, complaintOnOwn(placed, caller, answer) ?? complaintOnLeak(caller, answer));
        }
        // The bootstrap token belongs to nobody: it is told so, whatever it names.
        if (!hasIds(placed) || (isOwnAccount(placed) && caller.actsFor !== undefined)) continue;
        // What is open to everybody is no tenant's secret: a sign-in begins at a provider before it is known who begins it.
        if (placed.operation['x-permission'] === 'public') continue;
        const [foreign, absent] = await Promise.all([send(placed, caller, isOwn ? 'foreign' : 'own'), send(placed, caller, 'absent')]);
        const refusal = takesLease(placed) ? 'lease_required' : 'not_found';
        note(label(placed, caller, 'foreign id'), foreign, foreign.code === refusal ? complaintOnLeak(caller, foreign) : `should be ${refusal}`);
        note(label(placed, caller, 'absent id'), absent, absent.code === refusal ? undefined : `should be ${refusal}`);
        if (foreign.comparable !== absent.comparable) note(label(placed, caller, 'foreign and absent id'), foreign, `differ: ${absent.text}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 240_000);

  it("takes another tenant's id in a body for an absent one", async () => {
    const wrong: string[] = [];
    for (const placed of operations) {
      const schema = requestSchema(placed.operation);
      const caller = callers.find((candidate) => candidate.name === (placed.operation['x-roles']?.includes('admin') ? 'admin' : 'agent'));
      if (!schema || !caller || verdict(placed, caller) !== 'reaches' || isForOperators(placed)) continue;
      const fields = Object.keys(resolveSchema(schema, document.components.schemas).properties ?? {}).filter((name) => name.endsWith('_id') && name !== 'tenant_id' && fixtures.creatorOfField(name));
      for (const field of fields) {
        const path = await fixtures.path(placed, 'own', true);
        const body = await fixtures.body(placed, 'own');
        const answers: Answer[] = [];
        for (const which of ['foreign', 'absent'] as const) {
          cells += 1;
          answers.push(await call(plane, placed.method, path, caller.headers, { ...body, [field]: await fixtures.reference(field, which) }));
        }
        const [foreign, absent] = answers as [Answer, Answer];
        // A filter may answer with nothing; a thing that would hold the id may not be made.
        if (foreign.status === 201) wrong.push(`${placed.operation.operationId}.${field} takes another tenant's id (${shown(foreign)})`);
        if (foreign.comparable !== absent.comparable) wrong.push(`${placed.operation.operationId}.${field}: foreign ${foreign.text} but absent ${absent.text}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('reaches no further by other spellings of a path', async () => {
    const wrong: string[] = [];
    const outsiders = callers.filter(({ name }) => ['nobody', 'client', "another tenant's admin"].includes(name));
    const spellings = (path: string): [string, string][] => [
      ['a trailing slash', `${path}/`],
      ['other letter case', path.replace(/\/api\/v1\/[a-z-]+/, (start) => start.toUpperCase())],
      ['%2f', path.replace(/\/([^/]*)$/, '%2f$1')],
      ['a doubled slash', path.replace('/api/', '//api/')],
      ['a dotted path', path.replace('/api/v1/', '/api/v1/x/../')],
      ['a doubled query key', `${path}?tenant_id=${tenants.own.id}&tenant_id=${tenants.foreign.id}`],
      ['another tenant in the query', `${path}?tenant_id=${tenants.own.id}`],
    ];
    for (const placed of operations.filter(({ operation }) => operation['x-permission'] !== 'public')) {
      const path = await fixtures.path(placed, 'own');
      for (const caller of outsiders) {
        const plain = verdict(placed, caller) !== 'reaches' || hasIds(placed) ? 'refused' : 'answered';
        const headers = await headersFor(placed, caller);
        const body = await fixtures.body(placed, caller.side);
        const variants = spellings(path);
        cells += variants.length;
        const answers = await Promise.all(variants.map(([, variant]) => call(plane, placed.method, variant, headers, body)));
        for (const [index, answer] of answers.entries()) {
          const spelling = variants[index]?.[0] ?? '';
          if (plain === 'refused' && answer.status < 400) wrong.push(`${label(placed, caller, spelling)}: ${shown(answer)}`);
          const leak = complaintOnLeak(caller, answer);
          if (leak) wrong.push(`${label(placed, caller, spelling)} ${leak}`);
        }
        if (placed.method !== 'get') continue;
        cells += 1;
        const head = await call(plane, 'HEAD', path, caller.headers);
        if (plain === 'refused' && head.status < 400) wrong.push(`${label(placed, caller, 'HEAD')}: ${head.status}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 120_000);

  it('holds second names to the same rules as the first', async () => {
    const wrong: string[] = [];
    for (const alias of ALIASES) {
      const placed = operations.find(({ path, method }) => path === alias.to && method === alias.method.toLowerCase());
      if (!placed) throw new Error(`The alias ${alias.from} leads to ${alias.to}, which the document does not have.`);
      for (const caller of callers) {
        const second: PlacedOperation = { ...placed, path: alias.from };
        cells += 1;
        const ids = hasIds(placed) ? (await fixtures.path(placed, 'absent')).split('/').filter((_, index) => placed.path.split('/')[index]?.startsWith('{')) : [];
        const path = second.path.split('/').map((segment) => (segment.startsWith('{') ? ids.shift()! : segment)).join('/');
        const answer = await call(plane, placed.method, path, caller.headers, await fixtures.body(placed, caller.side));
        const expected = verdict(placed, caller);
        const fits = expected === 'reaches' ? needsPerson(placed, caller) || !['forbidden', 'unauthenticated'].includes(answer.code) : answer.code === expected;
        if (!fits) wrong.push(`${alias.method} ${alias.from} by ${caller.name}: ${shown(answer)}, not ${expected}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('refuses, by name, every field of the answer that is none of the request', async () => {
    const wrong: string[] = [];
    for (const placed of operations) {
      const request = requestSchema(placed.operation);
      const answer = successOf(placed.operation).schema;
      if (!request || !answer) continue;
      const known = resolveSchema(request, document.components.schemas).properties ?? {};
      const extra = Object.keys(resolveSchema(answer, document.components.schemas).properties ?? {}).filter((name) => !(name in known) && name !== 'tenant_id');
      const caller = callers.find(({ name }) => name === (placed.operation['x-roles']?.includes('agent') ? 'agent' : 'admin'))!;
      for (const name of extra) {
        cells += 1;
        const body = { ...(await fixtures.body(placed, 'own')), [name]: `smuggled-${unique(name)}` };
        const refusal = await call(plane, placed.method, await fixtures.path(placed, 'own'), caller.headers, body);
        if (refusal.code !== 'invalid_request' || !refusal.text.includes(`"field":"${name}"`)) wrong.push(`${placed.operation.operationId} takes ${name}: ${shown(refusal)}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('lets the operator, and nobody else, change tenants', async () => {
    const made = await must<{ id: string; revision: number }>(plane, 'POST', '/api/v1/tenants', OPERATOR, { name: 'Another', slug: unique('another') });
    const operator: Caller = { name: 'operator', headers: OPERATOR, roles: ['admin'], side: 'own' };
    for (const placed of operations.filter((candidate) => isForOperators(candidate) && hasIds(candidate))) {
      const path = placed.path.replace('{id}', made.id);
      const answer = await call(plane, placed.method, path, operator.headers, await fixtures.body(placed, 'own'));
      expect([placed.operation.operationId, answer.status]).toEqual([placed.operation.operationId, successOf(placed.operation).status]);
      const absent = await send(placed, operator, 'absent');
      expect([placed.operation.operationId, absent.code]).toEqual([placed.operation.operationId, 'not_found']);
    }
  });
});
