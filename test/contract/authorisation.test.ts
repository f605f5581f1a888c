import { ALIASES } from '../../src/platform/http/aliases.js';
import { operationsOf, type PlacedOperation } from '../../src/platform/openapi/document.types.js';
import { unique } from '../support/factories.js';
import { startPlaneProcess } from '../support/processes.js';
import type { RunningPlane } from '../support/requests.js';
import { type Answer, call, type Caller, makeCallers, makeTenant, must, OPERATOR, type Side, signedIn } from './authorisation/callers.js';
import { Fixtures, type Tenants } from './authorisation/fixtures.js';
import { hasIds, isDocumented, isForOperators, isLeftOpen, isOwnAccount, needsPerson, shown, takesLease, verdict } from './authorisation/verdicts.js';
import { committedDocument, successOf } from './openapi-document.js';

const document = committedDocument();
const operations = operationsOf(document);

describe('the authorisation matrix of the OpenAPI document', () => {
  let plane: RunningPlane;
  let tenants: Tenants;
  let fixtures: Fixtures;
  let callers: Caller[];
  let cells = 0;

  beforeAll(async () => {
    plane = await startPlaneProcess({ TRUST_PROXY: 'loopback' });
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

  /** What is wrong with an answer to a caller that the document lets in, on a thing of its own tenant. */
  function complaintOnOwn(placed: PlacedOperation, caller: Caller, answer: Answer): string | undefined {
    if (!isDocumented(placed, answer)) return 'is not in the document';
    if (isForOperators(placed)) return answer.code === 'forbidden' ? undefined : 'lets in others than operators';
    if (placed.operation['x-permission'] === 'public' || needsPerson(placed, caller)) return undefined;
    if (takesLease(placed)) return answer.code === 'lease_required' ? undefined : 'should take a lease';
    if (placed.method === 'get') return answer.status < 300 ? undefined : 'should succeed';
    return ['forbidden', 'not_found', 'unauthenticated', 'invalid_request'].includes(answer.code) ? 'should get past authorisation and validation' : undefined;
  }

  function complaintOnLeak(caller: Caller, answer: Answer): string | undefined {
    return fixtures.made[caller.side === 'own' ? 'foreign' : 'own'].isIn(answer.text) ? "shows an id of another tenant's" : undefined;
  }

  const wrong: string[] = [];
  beforeEach(() => wrong.splice(0));
  /** Said at once: a run that is stopped early tells what it found. */
  function note(what: string, answer: Answer, complaint: string | undefined): void {
    if (complaint === undefined) return;
    wrong.push(`${what}: ${complaint} (${shown(answer)})`);
    process.stderr.write(`authorisation: ${wrong.at(-1)}\n`);
  }

  /** Those whom the document keeps out, each on an own, a foreign and an absent thing: always the same refusal. */
  async function keepsOut(placed: PlacedOperation): Promise<void> {
    const outside = callers.filter((caller) => verdict(placed, caller) !== 'reaches' && !isLeftOpen(placed, caller));
    const sides = hasIds(placed) ? (['own', 'foreign', 'absent'] as const) : (['own'] as const);
    const paths = await Promise.all(sides.map((which) => fixtures.path(placed, which)));
    const query = (await fixtures.query(placed, 'own')).join('&');
    const body = await fixtures.body(placed, 'own');
    const ask = async (caller: Caller): Promise<void> => {
      cells += paths.length;
      const answers = await Promise.all(paths.map((path) => call(plane, placed.method, query === '' ? path : `${path}?${query}`, caller.headers, body)));
      const code = verdict(placed, caller);
      for (const answer of answers) note(label(placed, caller, 'any id'), answer, answer.code === code ? undefined : `should be ${code}`);
      note(label(placed, caller, 'any id'), answers[0]!, isDocumented(placed, answers[0]!) ? undefined : 'is not in the document');
      if (new Set(answers.map(({ comparable }) => comparable)).size > 1) note(label(placed, caller, 'own, foreign and absent id'), answers[0]!, 'differ');
    };
    await Promise.all(outside.map(ask));
  }

  /** One whom the document lets in: on an own thing, and that a foreign one is like an absent one. */
  async function letsIn(placed: PlacedOperation, caller: Caller): Promise<void> {
    const isOwn = caller.side === 'own';
    if (isOwn || !hasIds(placed)) {
      const answer = await send(placed, caller, 'own', { fresh: placed.method !== 'get' });
      note(label(placed, caller, 'own id'), answer, complaintOnOwn(placed, caller, answer) ?? complaintOnLeak(caller, answer));
    }
    // The bootstrap token belongs to nobody: it is told so, whatever it names.
    if (!hasIds(placed) || (isOwnAccount(placed) && caller.actsFor !== undefined)) return;
    // What is open to everybody is no tenant's secret: a sign-in begins at a provider before it is known who begins it.
    if (placed.operation['x-permission'] === 'public') return;
    const [foreign, absent] = await Promise.all([send(placed, caller, isOwn ? 'foreign' : 'own'), send(placed, caller, 'absent')]);
    // Who is no person may be told so first, of whatever it names.
    const refusals = takesLease(placed) ? ['lease_required'] : ['not_found', ...(needsPerson(placed, caller) ? ['forbidden'] : [])];
    note(label(placed, caller, 'foreign id'), foreign, refusals.includes(foreign.code) ? complaintOnLeak(caller, foreign) : `should be ${refusals.join(' or ')}`);
    note(label(placed, caller, 'absent id'), absent, refusals.includes(absent.code) ? undefined : `should be ${refusals.join(' or ')}`);
    if (foreign.comparable !== absent.comparable) note(label(placed, caller, 'foreign and absent id'), foreign, `differ: ${absent.text}`);
  }

  it('lets in whom the document lets in, and nobody else', async () => {
    for (const placed of operations) {
      await keepsOut(placed);
      for (const caller of callers) if (verdict(placed, caller) === 'reaches') await letsIn(placed, caller);
    }
    expect(wrong).toEqual([]);
  }, 240_000);

  it('reaches no further by other spellings of a path', async () => {
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
          note(label(placed, caller, spelling), answer, plain === 'refused' && answer.status < 400 ? 'should be refused' : complaintOnLeak(caller, answer));
        }
        if (placed.method !== 'get') continue;
        cells += 1;
        const head = await call(plane, 'HEAD', path, caller.headers);
        note(label(placed, caller, 'HEAD'), head, plain === 'refused' && head.status < 400 ? 'should be refused' : undefined);
      }
    }
    expect(wrong).toEqual([]);
  }, 120_000);

  it('holds second names to the same rules as the first', async () => {
    for (const alias of ALIASES) {
      const placed = operations.find(({ path, method }) => path === alias.to && method === alias.method.toLowerCase());
      if (!placed) throw new Error(`The alias ${alias.from} leads to ${alias.to}, which the document does not have.`);
      for (const caller of callers.filter((candidate) => !isLeftOpen(placed, candidate))) {
        const second: PlacedOperation = { ...placed, path: alias.from };
        cells += 1;
        const ids = hasIds(placed) ? (await fixtures.path(placed, 'absent')).split('/').filter((_, index) => placed.path.split('/')[index]?.startsWith('{')) : [];
        const path = second.path.split('/').map((segment) => (segment.startsWith('{') ? ids.shift()! : segment)).join('/');
        const answer = await call(plane, placed.method, path, caller.headers, await fixtures.body(placed, caller.side));
        const expected = verdict(placed, caller);
        const fits = expected === 'reaches' ? needsPerson(placed, caller) || !['forbidden', 'unauthenticated'].includes(answer.code) : answer.code === expected;
        note(`${alias.method} ${alias.from} by ${caller.name}`, answer, fits ? undefined : `should be ${expected}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('lets the operator, and nobody else, change tenants', async () => {
    const made = await must<{ id: string; revision: number }>(plane, 'POST', '/api/v1/tenants', OPERATOR, { name: 'Another', slug: unique('another') });
    const operator: Caller = { name: 'operator', headers: OPERATOR, roles: ['admin'], side: 'own' };
    for (const placed of operations.filter((candidate) => isForOperators(candidate) && hasIds(candidate))) {
      const path = placed.path.replace(/\{(tenant_)?id\}/, made.id);
      const answer = await call(plane, placed.method, path, operator.headers, await fixtures.body(placed, 'own'));
      // The log of a new tenant is as it was sealed: there is nothing to accept.
      expect([placed.operation.operationId, answer.status]).toEqual([placed.operation.operationId, placed.operation.operationId === 'acceptAuditRestore' ? 404 : successOf(placed.operation).status]);
      const absent = await send(placed, operator, 'absent');
      expect([placed.operation.operationId, absent.code]).toEqual([placed.operation.operationId, 'not_found']);
    }
  });
});
