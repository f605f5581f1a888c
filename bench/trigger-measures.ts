import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from './in-pairs.ts';
import type { BenchOptions } from './options.ts';
import { median } from './stats.ts';
import type { World } from './world.ts';

/** What triggers cost that have nothing to do. */
export const TRIGGER_MEASURES: Record<string, (world: World, options: BenchOptions) => Promise<Row[]>> = { triggers };

const TRIGGERS = 10_000;
const TASKS = 200;

/** Of a second in which nobody asks for anything: processor time of the plane, and transactions of the database. */
interface Idle {
  milliseconds: number;
  transactions: number;
}

/** Idle without triggers and with ten thousand, in turns: half of them wait for an event that does not come, half for a tick. */
async function triggers(world: World, options: BenchOptions): Promise<Row[]> {
  const without: Idle[] = [];
  const beside: Idle[] = [];
  const plain: number[] = [];
  const followed: number[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    without.push(await idle(world, options.seconds));
    plain.push(await perTask(world));
    await fill(world);
    beside.push(await idle(world, options.seconds));
    followed.push(await perTask(world));
    await world.admin('wheelhouse', `delete from cron_ticks where owner_kind = 'trigger'`, 'delete from triggers');
  }
  const row = (what: string, unit: string, ours: number, bare: number): Row => ({ what, unit, ours, peer: { name: 'without triggers', value: bare }, ratio: ours / bare, errors: 0 });
  const of = (samples: readonly Idle[], name: keyof Idle): number => median(samples.map((sample) => sample[name]));
  return [
    row(`idle with ${TRIGGERS} triggers: processor time of the plane`, 'ms/s', of(beside, 'milliseconds'), of(without, 'milliseconds')),
    row(`idle with ${TRIGGERS} triggers: transactions`, '/s', of(beside, 'transactions'), of(without, 'transactions')),
    row(`make a task beside ${TRIGGERS} triggers that it does not concern`, 'ms', median(followed), median(plain)),
  ];
}

async function idle(world: World, seconds: number): Promise<Idle> {
  await world.settle();
  // Whatever was begun before ends, and what is known of triggers is read anew.
  await sleep(3_000);
  const before = [await processorSeconds(world), await transactions(world)] as const;
  await sleep(seconds * 1_000);
  const after = [await processorSeconds(world), await transactions(world)] as const;
  return { milliseconds: ((after[0] - before[0]) * 1_000) / seconds, transactions: (after[1] - before[1]) / seconds };
}

async function processorSeconds(world: World): Promise<number> {
  const text = await (await fetch(`${world.plane.url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total(?:\{[^}]*\})? (\S+)/m.exec(text)?.[1]);
}

async function transactions(world: World): Promise<number> {
  const [row] = await world.admin<{ count: string }>('wheelhouse', `select xact_commit + xact_rollback as count from pg_stat_database where datname = 'wheelhouse'`);
  return Number(row?.count);
}

/** One after the other, with the look of the triggers' consumer at each. */
async function perTask(world: World): Promise<number> {
  const begun = performance.now();
  for (let index = 0; index < TASKS; index += 1) await world.send('POST', '/api/v1/tasks', { title: 'One' });
  return (performance.now() - begun) / TASKS;
}

/** In the tenant that works. */
async function fill(world: World): Promise<void> {
  const [tenant] = await world.admin<{ id: string }>('wheelhouse', 'select id from tenants order by created_at, id limit 1');
  const action = `{"type": "send_notification", "config": {"title": "x", "severity": "info", "to": {"roles": ["admin"]}}}`;
  await world.admin(
    'wheelhouse',
    `insert into triggers (tenant_id, id, name, type, config, action, enabled, max_per_hour, cooldown_seconds, coalesce_seconds, as_role, created_by_kind, created_by_id)
     select '${tenant?.id ?? ''}', uuidv7(), 'Trigger ' || n, case when n % 2 = 0 then 'event' else 'cron' end,
       case when n % 2 = 0 then '{"event": "board.deleted", "filter": "$event.data.board_id = ''x''"}'::jsonb else '{"expression": "0 0 1 1 *", "timezone": "UTC", "missed": "skip"}'::jsonb end,
       '${action}', true, 100, 0, 0, 'admin', 'system', 'bench' from generate_series(1, ${TRIGGERS}) n`,
    `insert into trigger_states (tenant_id, trigger_id, tx, seq) select tenant_id, id, pg_current_xact_id()::text::bigint, 0 from triggers`,
    `insert into cron_ticks (tenant_id, owner_kind, owner_id, expression, timezone, missed, next_at, due_at)
     select tenant_id, 'trigger', id, '0 0 1 1 *', 'UTC', 'skip', now() + interval '30 days', now() + interval '30 days' from triggers where type = 'cron'`,
  );
}
