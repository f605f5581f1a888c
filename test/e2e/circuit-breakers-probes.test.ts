import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { call, codeOf, codes, made, read, save, server, untilProbe, withServer } from '../support/breakers.js';
import { status } from '../support/counting-server.js';
import { eventually } from '../support/eventually.js';
import { ok } from '../support/factories.js';
import { ADMIN_TOKEN, startPlane } from '../support/plane.js';
import { plane, second } from '../support/two-planes.js';

withServer();

describe('circuit breakers on the way back', () => {
  let onTestEnd: () => Promise<void> = () => Promise.resolve();
  afterEach(async () => {
    await onTestEnd();
    onTestEnd = () => Promise.resolve();
  });

  const opened = async (fields: object): Promise<string> => {
    const name = await made({ failure_threshold: 1, open_seconds: 30, ...fields });
    server.answer = status(503);
    await call();
    await untilProbe(name);
    server.requests = 0;
    return name;
  };

  it('let exactly so many probes through, of 60 calls at once in four processes, and close when they succeed', async () => {
    const environment = { EGRESS_ALLOW: '127.0.0.1' };
    const four = [plane, second, await startPlane({ database: plane.database, environment }), await startPlane({ database: plane.database, environment })];
    onTestEnd = async () => {
      for (const more of four.slice(2)) await more.stop();
    };
    const name = await opened({ half_open_max: 3, success_threshold: 3 });
    const held: (() => void)[] = [];
    server.answer = (_request, response) => void held.push(() => response.end('ok'));
    const calls = Array.from({ length: 60 }, (_, index) => call(four[index % 4]));
    let refused = 0;
    for (const one of calls) void one.then((result) => (refused += codeOf(result) === 'circuit_open' ? 1 : 0));
    await eventually(() => refused === 57);
    expect([server.requests, held.length, (await read(name)).state]).toEqual([3, 3, 'half_open']);
    held.forEach((answer) => answer());
    expect((await codes(...calls)).filter((code) => code === 200)).toHaveLength(3);
    const { state, transitions } = await read(name);
    expect([state, ...transitions.map(({ to }) => to)]).toEqual(['closed', 'closed', 'half_open', 'open']);
    server.answer = status(200);
    expect(await codes(...four.map((at) => call(at)))).toEqual([200, 200, 200, 200]);
  });

  it('close when they are changed to what has been reached already', async () => {
    const name = await opened({ half_open_max: 1, success_threshold: 3 });
    server.answer = status(200);
    expect([await call(), await call(), (await read(name)).state]).toEqual([200, 200, 'half_open']);
    expect(await ok(save({ name, success_threshold: 2 }))).toMatchObject({ state: 'closed' });
    expect(await codes(call(plane), call(second))).toEqual([200, 200]);
  });

  it('open again for longer when a probe fails', async () => {
    const name = await opened({});
    expect(await call(second)).toBe(503);
    const { state, openings, opened_at: at, next_probe_at: next } = await read(name);
    expect([state, openings]).toEqual(['open', 2]);
    expect(Date.parse(String(next)) - Date.parse(String(at))).toBe(60_000);
    expect(await codes(call(plane), call(second))).toEqual(['circuit_open', 'circuit_open']);
  });

  it('take back the probe of a process that has died', async () => {
    const name = await opened({});
    const { id } = await read(name);
    const database = plane.app.get(SystemDatabase);
    await database.query(`update circuit_breakers set state = 'half_open', epoch = epoch + 1, next_probe_at = null where id = $1`, [id]);
    await database.query(`insert into circuit_breaker_probes (tenant_id, breaker_id, id, process_id, expires_at) select tenant_id, id, gen_random_uuid(), $2::uuid, now() + interval '1 hour' from circuit_breakers where id = $1`, [id, (await aliveProcess()) ?? '']);
    await ok(save({ name, window_seconds: 60 }));
    expect(await codes(call())).toEqual(['circuit_open']);
    await database.query(`update circuit_breaker_probes set process_id = gen_random_uuid() where breaker_id = $1`, [id]);
    server.answer = status(200);
    await eventually(async () => (await call()) === 200);
    expect((await read(name)).state).toBe('closed');
  });

  it('are what they were after a restart', async () => {
    const name = await made({ failure_threshold: 1, open_seconds: 300 });
    server.answer = status(500);
    await call();
    const third = await startPlane({ database: plane.database, environment: { EGRESS_ALLOW: '127.0.0.1' } });
    try {
      expect(await codes(call(third))).toEqual(['circuit_open']);
      expect(await read(name, ADMIN_TOKEN, third)).toMatchObject({ state: 'open', openings: 1 });
      expect(server.requests).toBe(1);
    } finally {
      await third.stop();
    }
  });
});

async function aliveProcess(): Promise<string | undefined> {
  const [row] = await plane.app.get(SystemDatabase).query<{ id: string }>('select id from processes order by seen_at desc limit 1');
  return row?.id;
}
