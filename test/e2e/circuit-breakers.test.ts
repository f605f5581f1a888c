import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { Breakers } from '../../src/platform/egress/breakers.port.js';
import type { Problem } from '../../src/core/problem.js';
import { type Breaker, BREAKERS, call, codeOf, codes, made, post, read, save, server, withServer } from '../support/breakers.js';
import { status } from '../support/counting-server.js';
import { eventually } from '../support/eventually.js';
import { createTenant, createUser, ok, type SignedIn, unique } from '../support/factories.js';
import { ADMIN_TOKEN } from '../support/plane.js';
import { plane, second } from '../support/two-planes.js';

withServer();

describe('the documented operations', () => {
  it('create, change by name, list and read a breaker, with what became of it and why', async () => {
    const name = unique('breaker');
    const first = await ok(save({ name, target: `host:${server.host}`, failure_threshold: 3, window_seconds: 20, open_seconds: 15, half_open_max: 2, success_threshold: 2 }));
    expect(first).toMatchObject({ name, scope: 'tenant', target: `host:${server.host}`, target_kind: 'host', state: 'closed', forced: false, failure_threshold: 3, open_seconds: 15, max_open_seconds: 600, opened_at: null, next_probe_at: null, retry_at: null, revision: 1 });
    const changed = await ok(save({ name, open_seconds: 40 }));
    expect(changed).toMatchObject({ id: first.id, failure_threshold: 3, open_seconds: 40, revision: 2 });
    const { items } = await ok(plane.request<{ items: Breaker[] }>('GET', BREAKERS, { token: ADMIN_TOKEN }));
    expect(items.find(({ id }) => id === first.id)).toMatchObject({ name, state: 'closed' });
    expect(await read(name)).toMatchObject({ id: first.id, transitions: [] });
  });

  it('force it open and closed, reset it, and say so in the audit log and in its transitions', async () => {
    const name = await made();
    expect((await post(name, 'force-open')).body).toMatchObject({ state: 'open', forced: true, next_probe_at: null });
    expect((await post(name, 'force-close')).body).toMatchObject({ state: 'closed', forced: true });
    expect((await post(name, 'reset')).body).toMatchObject({ state: 'closed', forced: false });
    const { transitions, id } = await read(name);
    expect(transitions.map(({ from, to, by_kind: by }) => [from, to, by])).toEqual([['closed', 'closed', 'bootstrap'], ['open', 'closed', 'bootstrap'], ['closed', 'open', 'bootstrap']]);
    const audit = await ok(plane.request<{ items: { action: string }[] }>('GET', `/api/v1/admin/audit?resource_type=circuit_breaker&resource_id=${id}`, { token: ADMIN_TOKEN }));
    expect(audit.items.map(({ action }) => action).toSorted()).toEqual(['circuit_breaker.create', 'circuit_breaker.force_close', 'circuit_breaker.force_open', 'circuit_breaker.reset']);
  });

  it('delete one, after which nothing is refused', async () => {
    const name = await made();
    await post(name, 'force-open');
    expect(await codes(call(second))).toEqual(['circuit_open']);
    expect((await plane.request('DELETE', `${BREAKERS}/${name}`, { token: ADMIN_TOKEN })).status).toBe(204);
    expect(await codes(call(second))).toEqual([200]);
    expect((await plane.request('GET', `${BREAKERS}/${name}`, { token: ADMIN_TOKEN })).status).toBe(404);
  });

  it('refuse what makes no breaker', async () => {
    const name = unique('breaker');
    const target = 'host:api.example.com';
    const bad = [{ name }, { name, target: 'agent:otto' }, { name, target, failure_threshold: null }, { name, target, slow_call_rate: 0.5 }, { name, target, half_open_max: 0 }, { name: 'a/b', target }, { name, target, open_seconds: null }];
    const answers = await Promise.all(bad.map((body) => save(body)));
    expect(answers.map(({ status: code }) => code)).toEqual(bad.map(() => 400));
  });

  it('make one breaker of 50 at once', async () => {
    const name = unique('breaker');
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => save({ name, target: server.host }, ADMIN_TOKEN, index % 2 ? plane : second)));
    expect(new Set(answers.map(({ status: code, body }) => `${code} ${body.id}`)).size).toBe(1);
  });

  it('are for administrators, of the own tenant alone', async () => {
    const tenant = await createTenant(plane);
    const admin = await createUser(plane, { role: 'admin', tenant: tenant.id });
    const user = await createUser(plane, { role: 'user' });
    const name = await made();
    const tries = async (token: string): Promise<number[]> => {
      const answers = await Promise.all([plane.request('GET', `${BREAKERS}/${name}`, { token }), post(name, 'force-open', token), post(name, 'force-close', token), post(name, 'reset', token), plane.request('DELETE', `${BREAKERS}/${name}`, { token })]);
      return answers.map(({ status: code }) => code);
    };
    expect(await tries(user.token)).toEqual([403, 403, 403, 403, 403]);
    expect((await save({ name, target: server.host }, user.token)).status).toBe(403);
    expect(await tries(admin.token)).toEqual([404, 404, 404, 404, 404]);
    expect((await read(name)).state).toBe('closed');
  });
});

describe('in front of calls', () => {
  it('refuse in every process as soon as a forced opening is answered, and make no connection', async () => {
    const name = await made();
    expect(await codes(call(plane), call(second))).toEqual([200, 200]);
    const before = server.connections;
    await post(name, 'force-open');
    const refused = await Promise.all(Array.from({ length: 20 }, (_, index) => call(index % 2 ? plane : second)));
    expect(new Set(refused.map(codeOf))).toEqual(new Set(['circuit_open']));
    expect(refused[0]).toMatchObject({ status: 503, details: { extra: { breaker: name, target: `host:${server.host}`, scope: 'tenant' } } });
    expect(server).toMatchObject({ connections: before, requests: 2 });
    await post(name, 'force-close', ADMIN_TOKEN, second);
    expect(await codes(call(plane), call(second))).toEqual([200, 200]);
  });

  it('refuse a host however its name is written', async () => {
    const { port } = new URL(server.url);
    await post(await made({ target: `localhost:${port}` }), 'force-open');
    for (const host of ['localhost', 'LOCALHOST', 'localhost.']) expect(codeOf(await call(plane, undefined, { url: `http://${host}:${port}/` }))).toBe('circuit_open');
    expect(server.connections).toBe(0);
  });

  it('open at exactly so many failures of all processes together, and say when to try again', async () => {
    const name = await made({ failure_threshold: 4, open_seconds: 60 });
    server.answer = status(503);
    expect([await call(plane), await call(second), await call(plane)]).toEqual([503, 503, 503]);
    expect(await read(name)).toMatchObject({ state: 'closed', recent_failures: 3 });
    expect(await call(second)).toBe(503);
    const refusal = (await call(plane)) as Problem;
    expect(refusal.code).toBe('circuit_open');
    const seconds = ((refusal.details.retryAt?.getTime() ?? 0) - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(61);
    expect(server.requests).toBe(4);
    expect((await read(name)).transitions).toMatchObject([{ from: 'closed', to: 'open', reason: '4 failures within 60 s; the last: HTTP 503', by_kind: 'system', counts: { failures: 4 } }]);
  });

  it('open once, and lose no failure, when 50 fail at the same moment', async () => {
    const name = await made({ failure_threshold: 50 });
    server.answer = status(500);
    await Promise.all(Array.from({ length: 49 }, (_, index) => call(index % 2 ? plane : second)));
    expect(await read(name)).toMatchObject({ state: 'closed', recent_failures: 49 });
    await Promise.all(Array.from({ length: 20 }, (_, index) => call(index % 2 ? plane : second)));
    const { state, openings, transitions } = await read(name);
    expect([state, openings, transitions.length]).toEqual(['open', 1, 1]);
  });

  it('count what never answers and what refuses to talk, not what the target cannot help', async () => {
    const name = await made({ failure_threshold: 3, slow_call_ms: 50 });
    server.answer = status(404);
    await call();
    server.answer = () => undefined;
    await call(plane, OPERATOR_TENANT_ID, { timeoutMs: 50 });
    server.answer = (request) => void request.socket.destroy();
    await call();
    server.answer = status(429);
    expect(await read(name)).toMatchObject({ state: 'closed', recent_failures: 2 });
    await call();
    expect(await read(name)).toMatchObject({ state: 'open' });
  });

  it.each([
    ['that waits less than a call may take before it is slow', { slow_call_ms: 200 }],
    ['that waits less than calls do where nobody says otherwise', {}],
  ])('are not opened for others by a caller %s', async (_who, settings) => {
    const name = await made({ failure_threshold: 1, failure_rate: 0.1, minimum_calls: 2, ...settings });
    server.answer = () => undefined;
    for (let count = 0; count < 4; count += 1) expect(codeOf(await call(count % 2 ? plane : second, OPERATOR_TENANT_ID, { timeoutMs: 30 }))).toBe('egress_failed');
    expect(await read(name)).toMatchObject({ state: 'closed', recent_failures: 0 });
    server.answer = status(500);
    await call();
    expect(await read(name)).toMatchObject({ state: 'open' });
  });

  it('are opened by callers who wait as long as calls do, though none is called slow before that', async () => {
    const name = await made({ failure_threshold: 2, slow_call_ms: 60_000 });
    const host = { kind: 'host' as const, name: server.host };
    for (const patience of [9_000, 10_000, 15_000]) await (await plane.app.get(Breakers).enter(OPERATOR_TENANT_ID, [host])).timedOut('no answer', patience);
    expect(await read(name)).toMatchObject({ state: 'open' });
  });

  it('give a probe back, and stay half open, when its caller did not wait as long', async () => {
    const name = await made({ failure_threshold: 1, open_seconds: 1, slow_call_ms: 5_000 });
    server.answer = status(500);
    await call();
    server.answer = () => undefined;
    await eventually(async () => codeOf(await call(plane, OPERATOR_TENANT_ID, { timeoutMs: 30 })) === 'egress_failed');
    expect(await read(name)).toMatchObject({ state: 'half_open' });
    server.answer = status(200);
    expect(await call(second)).toBe(200);
    expect(await read(name)).toMatchObject({ state: 'closed' });
  });

  it('open by the share of calls that fail or are slow', async () => {
    const failing = await made({ failure_rate: 0.5, minimum_calls: 4 });
    expect(await codes(call(), call(), call())).toEqual([200, 200, 200]);
    server.answer = status(500);
    expect([await call(), await call()]).toEqual([500, 500]);
    expect((await read(failing)).state).toBe('closed');
    await call();
    expect(await read(failing)).toMatchObject({ state: 'open', transitions: [{ reason: '3 of 6 calls failed.' }] });
    await post(failing, 'force-close');
    const slow = await made({ slow_call_ms: 1, slow_call_rate: 1, minimum_calls: 2 });
    server.answer = (_request, response) => void setTimeout(() => response.end('ok'), 5);
    expect([await call(), await call(), codeOf(await call())]).toEqual([200, 200, 'circuit_open']);
    expect(await read(slow)).toMatchObject({ transitions: [{ reason: '2 of 2 calls were slow.' }] });
  });

  it('stay closed while somebody holds them closed, whatever fails', async () => {
    const name = await made({ failure_threshold: 1 });
    await post(name, 'force-close');
    server.answer = status(500);
    expect([await call(), await call(), await call()]).toEqual([500, 500, 500]);
    await post(name, 'reset');
    expect([await call(), codeOf(await call())]).toEqual([500, 'circuit_open']);
  });

  it('count for one tenant alone; a global one, of the operator, for all', async () => {
    const tenants: { id: string; admin: SignedIn }[] = [];
    for (let index = 0; index < 2; index += 1) {
      const { id } = await createTenant(plane);
      tenants.push({ id, admin: await createUser(plane, { role: 'admin', tenant: id }) });
    }
    const [one, other] = tenants as [(typeof tenants)[0], (typeof tenants)[0]];
    const own = await made({}, one.admin.token);
    expect((await save({ name: 'everybody', target: server.host, scope: 'global' }, one.admin.token)).status).toBe(403);
    await post(own, 'force-open', one.admin.token);
    expect(await codes(call(plane, one.id), call(second, other.id), call(second))).toEqual(['circuit_open', 200, 200]);
    await post(own, 'reset', one.admin.token);
    const global = await made({ scope: 'global' });
    await post(global, 'force-open');
    const all = await codes(call(plane, one.id), call(second, one.id), call(second, other.id), call(plane));
    expect(all).toEqual(['circuit_open', 'circuit_open', 'circuit_open', 'circuit_open']);
    expect((await plane.request('GET', `${BREAKERS}/${global}`, { token: one.admin.token })).status).toBe(404);
    expect((await ok(plane.request<{ items: Breaker[] }>('GET', BREAKERS, { token: one.admin.token }))).items.map(({ name }) => name)).toEqual([own]);
  });
});

describe('for those who watch', () => {
  it('publish facts, and show figures without anybody\'s name', async () => {
    const name = await made();
    await post(name, 'force-open');
    await call();
    await post(name, 'reset');
    const facts = await plane.app.get(SystemDatabase).query<{ name: string; data: Record<string, unknown> }>(`select name, data from events where data ->> 'name' = $1 order by tx, seq`, [name]);
    expect(facts.map((fact) => fact.name)).toEqual(['circuit_breaker.opened', 'circuit_breaker.closed']);
    expect(facts[0]?.data).toMatchObject({ target: `host:${server.host}`, forced: true, reason: 'Held open.' });
    const text = await (await fetch(`${plane.url}/metrics`)).text();
    expect(text).toMatch(/wheelhouse_circuit_breaker_refusals_total\{target="host"\} [1-9]/);
    expect(text).toMatch(/wheelhouse_circuit_breaker_transitions_total\{to="open"\} [1-9]/);
    expect(text).toMatch(/wheelhouse_circuit_breakers\{state="open"\} \d/);
    expect(text).not.toContain(name);
  });
});
