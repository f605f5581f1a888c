import type { EventType } from '../../core/event.js';
import { newId } from '../../core/ids.js';
import { targetText } from './breaker-target.js';
import type { CircuitBreaker } from './circuit-breaker.entity.js';
import type { BreakerStanding, CallCounts } from './circuit-breaker.machine.js';
import { BreakerClosed, type BreakerFact, BreakerHalfOpen, BreakerOpened } from './circuit-breakers.events.js';

/** Runs a statement on the connection of the transaction that is under way. */
export type Run = <T extends object>(text: string, values: unknown[]) => Promise<T[]>;

/** A breaker as it is locked, with the database's time. */
export type LockedBreaker = CircuitBreaker & { now: Date };

/** Why a breaker changes, and who makes it. */
export interface Why {
  reason: string;
  by: { kind: string; id: string | null };
  counts?: CallCounts;
}

/** What became of a breaker. */
export interface TransitionRow {
  id: string;
  from_state: string;
  to_state: string;
  forced: boolean;
  reason: string;
  by_kind: string;
  by_id: string | null;
  counts: CallCounts | null;
  created_at: Date;
}

/** How many transitions of a breaker are kept, and how many are shown with it. */
const KEPT_TRANSITIONS = 200;
const SHOWN_TRANSITIONS = 20;
/** Beyond this a probe is over, whatever has become of it. */
const LONGEST_PROBE_SECONDS = 900;
/** A process that has not been seen for so long is dead (see the revocation barrier). */
const DEAD_AFTER_SECONDS = 5;

const FACTS: Readonly<Record<string, EventType<BreakerFact>>> = { open: BreakerOpened, half_open: BreakerHalfOpen, closed: BreakerClosed };

/** The plane itself, as the maker of a transition. */
export const BY_ITSELF: Why['by'] = { kind: 'system', id: null };

export async function lockBreaker(run: Run, tenantId: string, id: string): Promise<LockedBreaker | undefined> {
  const [row] = await run<LockedBreaker>(`select *, clock_timestamp()::timestamptz(3) as now from circuit_breakers where tenant_id = $1 and id = $2 for update`, [tenantId, id]);
  return row;
}

/** Keeps what a breaker has counted; how it stands stays. */
export async function storeCounts(run: Run, { tenant_id, id }: CircuitBreaker, { failures, half_open_successes }: Pick<BreakerStanding, 'failures' | 'half_open_successes'>): Promise<void> {
  await run('update circuit_breakers set failures = $3, half_open_successes = $4 where tenant_id = $1 and id = $2', [tenant_id, id, JSON.stringify(failures), half_open_successes]);
}

/**
 * Changes how a breaker stands: its row, a row that says why, and no probe of before is left.
 * @returns the fact to publish
 */
export async function storeStanding(run: Run, before: CircuitBreaker, next: BreakerStanding, why: Why): Promise<{ type: EventType<BreakerFact>; fact: BreakerFact }> {
  const key = [before.tenant_id, before.id];
  await run(
    `update circuit_breakers set state = $3, forced = $4, epoch = $5, openings = $6, opened_at = $7, next_probe_at = $8, half_open_successes = $9, failures = $10,
       revision = revision + 1, updated_at = clock_timestamp() where tenant_id = $1 and id = $2`,
    [...key, next.state, next.forced, next.epoch, next.openings, next.opened_at, next.next_probe_at, next.half_open_successes, JSON.stringify(next.failures)],
  );
  await run('delete from circuit_breaker_probes where tenant_id = $1 and breaker_id = $2', key);
  await run(
    `insert into circuit_breaker_transitions (tenant_id, breaker_id, from_state, to_state, forced, reason, by_kind, by_id, counts) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [...key, before.state, next.state, next.forced, why.reason, why.by.kind, why.by.id, why.counts ? JSON.stringify(why.counts) : null],
  );
  await run(
    `delete from circuit_breaker_transitions where tenant_id = $1 and breaker_id = $2 and id <= (
       select id from circuit_breaker_transitions where tenant_id = $1 and breaker_id = $2 order by id desc offset ${KEPT_TRANSITIONS} limit 1)`,
    key,
  );
  const type = FACTS[next.state] ?? BreakerClosed;
  return { type, fact: factOf(before, next, why.reason) };
}

export function transitionsOf(run: Run, { tenant_id, id }: CircuitBreaker): Promise<TransitionRow[]> {
  return run<TransitionRow>(
    `select id::text, from_state, to_state, forced, reason, by_kind, by_id, counts, created_at from circuit_breaker_transitions
     where tenant_id = $1 and breaker_id = $2 order by id desc limit ${SHOWN_TRANSITIONS}`,
    [tenant_id, id],
  );
}

/** Takes back the probes of dead processes and those without end, and counts what is left. Processes are seen by the system's role alone. */
export async function probesUnderWay(run: Run, { tenant_id, id }: CircuitBreaker): Promise<number> {
  await run(
    `delete from circuit_breaker_probes p where tenant_id = $1 and breaker_id = $2 and (expires_at <= clock_timestamp() or (process_id is not null
       and not exists (select from processes where processes.id = p.process_id and seen_at > clock_timestamp() - make_interval(secs => ${DEAD_AFTER_SECONDS}))))`,
    [tenant_id, id],
  );
  const [row] = await run<{ count: number }>('select count(*)::int as count from circuit_breaker_probes where tenant_id = $1 and breaker_id = $2', [tenant_id, id]);
  return row?.count ?? 0;
}

/** Lends a probe to a process. */
export async function lendProbe(run: Run, { tenant_id, id }: CircuitBreaker, processId: string): Promise<string> {
  const probeId = newId();
  await run(
    `insert into circuit_breaker_probes (tenant_id, breaker_id, id, process_id, expires_at) values ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => ${LONGEST_PROBE_SECONDS}))`,
    [tenant_id, id, probeId, processId],
  );
  return probeId;
}

/** Ends a probe by its id, or by the task that it is. @returns whether it was still under way */
export async function endProbe(run: Run, { tenant_id, id }: CircuitBreaker, probe: { id: string } | { taskId: string }): Promise<boolean> {
  const [column, value] = 'id' in probe ? ['id', probe.id] : ['task_id', probe.taskId];
  const rows = await run(`delete from circuit_breaker_probes where tenant_id = $1 and breaker_id = $2 and ${column} = $3 returning id`, [tenant_id, id, value]);
  return rows.length > 0;
}

function factOf({ id, name, scope, target_kind, target_name }: CircuitBreaker, { forced, next_probe_at: next }: BreakerStanding, reason: string): BreakerFact {
  return { breaker_id: id, name, target: targetText({ kind: target_kind, name: target_name }), scope, reason, forced, next_probe_at: next?.toISOString() ?? null };
}
