import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId, OPERATOR_TENANT_ID } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { invalidField, notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import type { CallTarget } from '../../platform/egress/breakers.port.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { BreakerMetrics } from './breaker-metrics.js';
import type { LockedBreaker, TransitionRow, Why } from './breaker-rows.js';
import { parseTarget, targetText } from './breaker-target.js';
import { breakerTag } from './breaker-tags.js';
import type { CircuitBreaker } from './circuit-breaker.entity.js';
import { type BreakerStanding, closed, forcedOpen } from './circuit-breaker.machine.js';
import type { SaveCircuitBreakerDto } from './circuit-breakers.dto.js';
import { type BreakerFields, CircuitBreakersRepository } from './circuit-breakers.repository.js';

/** All of a tenant's breakers are in the memory of each process that makes its calls. */
const MOST_BREAKERS = 500;

const DEFAULTS = { failure_rate: null, slow_call_ms: null, slow_call_rate: null, minimum_calls: 10, window_seconds: 60, open_seconds: 30, open_factor: 2, max_open_seconds: 600, half_open_max: 1, success_threshold: 1 };
const DEFAULT_THRESHOLD = 5;

/** What people do with circuit breakers. Each change holds in every process before it is answered. */
@Injectable()
export class CircuitBreakersService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: CircuitBreakersRepository,
    private readonly audit: AuditPort,
    private readonly revocations: Revocations,
    private readonly metrics: BreakerMetrics,
  ) {}

  @Transactional()
  list(page: PageRequest): Promise<Page<CircuitBreaker>> {
    return this.repository.page(this.context.tenantId, page);
  }

  @Transactional()
  async get(name: string): Promise<{ breaker: CircuitBreaker; transitions: TransitionRow[] }> {
    const breaker = await this.find(name);
    return { breaker, transitions: await this.repository.transitions(breaker) };
  }

  /** @throws Problem `invalid_request`, `forbidden` (a global one, by another than the operator), `plan_limit_reached` */
  @Transactional()
  async save(body: SaveCircuitBreakerDto): Promise<CircuitBreaker> {
    const { tenantId } = this.context;
    const target = body.target === undefined ? undefined : parseTarget(body.target);
    const known = await this.repository.lockByName(tenantId, body.name);
    if (known) return this.update(known, body, target);
    if (!(await this.create(body, target))) return this.update(await this.lock(body.name), body, target);
    const breaker = await this.find(body.name);
    await this.audit.record({ action: 'circuit_breaker.create', resource: { type: 'circuit_breaker', id: breaker.id }, after: summaryOf(breaker) });
    this.revocations.afterCommit(breakerTag(breaker));
    return breaker;
  }

  @Transactional()
  async delete(name: string): Promise<void> {
    const breaker = await this.lock(name);
    checkIfMatch(this.context.get('ifMatch'), breaker);
    await this.repository.delete(breaker);
    await this.audit.record({ action: 'circuit_breaker.delete', resource: { type: 'circuit_breaker', id: breaker.id }, before: summaryOf(breaker) });
    this.revocations.afterCommit(breakerTag(breaker));
  }

  forceOpen(name: string, reason: string | undefined): Promise<CircuitBreaker> {
    return this.force('force_open', name, (breaker) => forcedOpen(breaker, breaker.now), reason ?? 'Held open.');
  }

  forceClose(name: string, reason: string | undefined): Promise<CircuitBreaker> {
    return this.force('force_close', name, (breaker) => closed(breaker, true), reason ?? 'Held closed.');
  }

  reset(name: string, reason: string | undefined): Promise<CircuitBreaker> {
    return this.force('reset', name, (breaker) => closed(breaker), reason ?? 'Reset.');
  }

  /** In a transaction of its own, also for one that stands so already: asking again makes sure that every process knows. */
  @Transactional()
  async force(verb: string, name: string, next: (breaker: LockedBreaker) => BreakerStanding, reason: string): Promise<CircuitBreaker> {
    const before = await this.lock(name);
    await this.stand(before, next(before), reason);
    const after = await this.find(name);
    await this.audit.record({ action: `circuit_breaker.${verb}`, resource: { type: 'circuit_breaker', id: before.id }, before: summaryOf(before), after: summaryOf(after), detail: { reason } });
    this.revocations.afterCommit(breakerTag(before));
    return after;
  }

  private async create(body: SaveCircuitBreakerDto, target: CallTarget | undefined): Promise<boolean> {
    const { tenantId } = this.context;
    if (!target) throw invalidField('target', 'required', 'must say what the breaker stands in front of');
    const scope = body.scope ?? 'tenant';
    if (scope === 'global' && tenantId !== OPERATOR_TENANT_ID) throw new Problem('forbidden', { detail: 'A breaker for all tenants is the operator\'s to make.' });
    const count = await this.repository.count(tenantId);
    if (count >= MOST_BREAKERS) throw new Problem('plan_limit_reached', { detail: `A tenant has at most ${MOST_BREAKERS} circuit breakers.`, limit: MOST_BREAKERS, current: count });
    return this.repository.insert({ tenant_id: tenantId, id: newId(), name: body.name, scope, ...fieldsOf(body, target, undefined) });
  }

  private async update(before: LockedBreaker, body: SaveCircuitBreakerDto, target: CallTarget | undefined): Promise<CircuitBreaker> {
    checkIfMatch(this.context.get('ifMatch'), before);
    if (body.scope !== undefined && body.scope !== before.scope) throw invalidField('scope', 'fixed', `is ${before.scope} for as long as the breaker is there`);
    const aim: CallTarget = target ?? { kind: before.target_kind, name: before.target_name };
    await this.repository.update(before, fieldsOf(body, aim, before));
    const elsewhere = aim.kind !== before.target_kind || aim.name !== before.target_name;
    if (elsewhere) await this.stand(before, closed(before), 'It stands in front of another target now.');
    // It would wait for one more probe that nobody lets through.
    else if (before.state === 'half_open' && before.half_open_successes >= (body.success_threshold ?? before.success_threshold)) await this.stand(before, closed(before), 'As many probes have succeeded as it takes now.');
    const after = await this.find(before.name);
    await this.audit.record({ action: 'circuit_breaker.update', resource: { type: 'circuit_breaker', id: before.id }, before: summaryOf(before), after: summaryOf(after) });
    this.revocations.afterCommit(breakerTag(before));
    return after;
  }

  private async stand(before: CircuitBreaker, next: BreakerStanding, reason: string): Promise<void> {
    const { kind, id } = this.context.actor;
    const why: Why = { reason, by: { kind, id } };
    await this.repository.stand(before, next, why);
    if (before.state !== next.state) afterCommit(() => this.metrics.changed(next.state));
  }

  private async find(name: string): Promise<CircuitBreaker> {
    return (await this.repository.findByName(this.context.tenantId, name)) ?? absent();
  }

  private async lock(name: string): Promise<LockedBreaker> {
    return (await this.repository.lockByName(this.context.tenantId, name)) ?? absent();
  }
}

/** @throws Problem `invalid_request` when nothing would ever open it */
function fieldsOf({ name: _name, scope: _scope, target: _target, ...given }: SaveCircuitBreakerDto, { kind, name }: CallTarget, before: CircuitBreaker | undefined): BreakerFields {
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const byRate = (given.failure_rate ?? null) !== null || (given.slow_call_rate ?? null) !== null;
  const fields: BreakerFields = { ...DEFAULTS, failure_threshold: byRate ? null : DEFAULT_THRESHOLD, ...(before ? settingsOf(before) : {}), ...said, target_kind: kind, target_name: name };
  if (fields.slow_call_rate !== null && fields.slow_call_ms === null) throw invalidField('slow_call_ms', 'required', 'must say from when on a call is slow');
  if (fields.failure_threshold === null && fields.failure_rate === null && fields.slow_call_rate === null) throw invalidField('failure_threshold', 'required', 'must be there, or a rate: nothing would open the breaker');
  return fields;
}

function settingsOf(row: CircuitBreaker): Omit<BreakerFields, 'target_kind' | 'target_name'> {
  const { failure_threshold, failure_rate, slow_call_ms, slow_call_rate, minimum_calls, window_seconds, open_seconds, open_factor, max_open_seconds, half_open_max, success_threshold } = row;
  return { failure_threshold, failure_rate, slow_call_ms, slow_call_rate, minimum_calls, window_seconds, open_seconds, open_factor, max_open_seconds, half_open_max, success_threshold };
}

/** For the audit log. */
function summaryOf(row: CircuitBreaker): object {
  const { name, scope, target_kind, target_name, state, forced } = row;
  return { name, scope, target: targetText({ kind: target_kind, name: target_name }), state, forced, ...settingsOf(row) };
}

function absent(): never {
  throw notFound('circuit breaker');
}
