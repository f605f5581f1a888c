import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { personOf, type Role, roleOf } from '../../core/actor.js';
import { changesBetween } from '../../core/changes.js';
import { lackingFor } from '../../core/event-families.js';
import { eventNames } from '../../core/event.js';
import { newId } from '../../core/ids.js';
import { mapPage, type Page, type PageRequest } from '../../core/page.js';
import { isAllowed, type Permission } from '../../core/permissions.js';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { CronTicks } from '../../platform/jobs/cron-ticks.js';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import { FiringsRepository } from './firings.repository.js';
import { KnownTriggers } from './known-triggers.js';
import { takesName } from './trigger-matcher.js';
import type { Trigger } from './trigger.entity.js';
import { TriggerActions } from './trigger-actions.js';
import { TriggerReferences } from './trigger-references.js';
import { type ActionType, type CronConfig, readAction, readConfig } from './trigger-config.js';
import { TICK_OWNER } from './trigger-events.listener.js';
import type { FiringStatus, TriggerFiring } from './trigger-firing.entity.js';
import type { CreateTriggerDto, UpdateTriggerDto } from './triggers.dto.js';
import { COUNTED_TRIGGERS, type TriggerFilter, TriggersRepository, type TriggerValues } from './triggers.repository.js';

export interface ShownTrigger extends Trigger {
  last_fired_at: Date | null;
}

/** What somebody must be allowed to do himself before a trigger does it for him. */
const NEEDED: Partial<Record<ActionType, Permission>> = { create_task: 'task:write', call_webhook: 'webhook:write', execute_workflow: 'workflow:run' };
const DEFAULT_PER_HOUR = 100;

/** What triggers there are. A change holds in every process when it is answered. */
@Injectable()
export class TriggersService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: TriggersRepository,
    private readonly firings: FiringsRepository,
    private readonly actions: TriggerActions,
    private readonly references: TriggerReferences,
    private readonly known: KnownTriggers,
    private readonly ticks: CronTicks,
    private readonly plans: PlanLimits,
    private readonly audit: AuditPort,
  ) {
    plans.countBy('triggers', COUNTED_TRIGGERS);
  }

  /** @throws Problem `invalid_request`, `unprocessable`, `plan_limit_reached` */
  @Transactional()
  async create(body: CreateTriggerDto): Promise<ShownTrigger> {
    const values = this.valuesOf(body);
    await this.references.check(values);
    await this.plans.admit('triggers');
    const id = newId();
    await this.repository.insert(this.context.tenantId, id, this.context.actor, values);
    await this.setTicks(id, values);
    const made = await this.shown(id);
    await this.audit.record({ action: 'trigger.create', resource: { type: 'trigger', id }, after: values });
    this.known.changed(made.tenant_id);
    return made;
  }

  @Transactional()
  async list(filter: TriggerFilter, request: PageRequest): Promise<Page<ShownTrigger>> {
    const page = await this.repository.page(this.context.tenantId, filter, request);
    const fired = await this.repository.lastFired(this.context.tenantId, page.items.map(({ id }) => id));
    return { ...page, items: page.items.map((trigger) => ({ ...trigger, last_fired_at: fired.get(trigger.id) ?? null })) };
  }

  @Transactional()
  get(id: string): Promise<ShownTrigger> {
    return this.shown(id);
  }

  /** What is left out stays. A trigger that gets another condition begins anew: what happened before does not concern it. */
  @Transactional()
  async update(id: string, body: UpdateTriggerDto): Promise<ShownTrigger> {
    const before = await this.lock(id);
    const type = body.type ?? before.type;
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) as UpdateTriggerDto;
    const values = this.valuesOf({ ...before, ...given, type, config: given.config ?? (type === before.type ? before.config : {}), action: given.action ?? before.action });
    // Only what is written now: what was deleted since is no reason to refuse another name.
    await this.references.check({ type, config: given.config && values.config, action: given.action && values.action });
    // What waits was let through for who wrote it before; who writes it now says where it goes.
    await this.firings.giveUp(before.tenant_id, id, 'hidden', eventNames().filter((name) => lackingFor(this.context.actor, [name]) !== undefined));
    return this.change('trigger.update', before, values);
  }

  /** Turns it on or off. Off, it stops at once in every process: what waits of it is ended too. */
  @Transactional()
  async toggle(id: string, enabled: boolean | undefined): Promise<ShownTrigger> {
    const before = await this.lock(id);
    return this.change('trigger.toggle', before, { ...before, enabled: enabled ?? !before.enabled });
  }

  @Transactional()
  async remove(id: string): Promise<void> {
    const before = await this.lock(id);
    await this.ticks.set(TICK_OWNER, id, null);
    await this.repository.remove(before.tenant_id, id);
    await this.audit.record({ action: 'trigger.delete', resource: { type: 'trigger', id }, before: valuesIn(before) });
    this.known.changed(before.tenant_id);
  }

  @Transactional()
  async history(id: string, status: FiringStatus | undefined, request: PageRequest): Promise<Page<TriggerFiring>> {
    await this.shown(id);
    const page = await this.firings.page(this.context.tenantId, id, status, request);
    // Who wrote the trigger may see more than who looks at it.
    return mapPage(page, (firing) => (lackingFor(this.context.actor, [firing.event.name]) === undefined ? firing : { ...firing, event: { ...firing.event, data: {} } }));
  }

  private async change(action: string, before: Trigger, values: TriggerValues): Promise<ShownTrigger> {
    const { tenant_id, id } = before;
    await this.repository.update(tenant_id, id, values);
    const isNew = values.enabled !== before.enabled || values.type !== before.type || JSON.stringify(values.config) !== JSON.stringify(before.config);
    if (isNew) await this.repository.restart(tenant_id, id);
    if (!values.enabled) await this.firings.giveUp(tenant_id, id, 'disabled');
    await this.setTicks(id, values);
    await this.audit.record({ action, resource: { type: 'trigger', id }, ...changesBetween(valuesIn(before), valuesIn(values)) });
    this.known.changed(tenant_id);
    return this.shown(id);
  }

  private setTicks(id: string, { type, config, enabled }: TriggerValues): Promise<void> {
    return this.ticks.set(TICK_OWNER, id, type === 'cron' && enabled ? (config as CronConfig) : null);
  }

  private valuesOf(body: CreateTriggerDto): TriggerValues {
    const config = readConfig(body.type, body.config);
    const action = readAction(body.action);
    if ('filter' in config && config.filter !== undefined) this.actions.checkExpression(config.filter, 'config.filter');
    this.actions.check(action);
    const permission = NEEDED[action.type];
    if (permission && !isAllowed(this.context.actor, permission)) throw beyond(permission);
    const unseen = body.type === 'threshold' ? undefined : lackingFor(this.context.actor, eventNames().filter((name) => takesName({ type: body.type, config, as_role: this.role() }, name)));
    if (unseen) throw beyond(unseen);
    return {
      name: body.name,
      description: body.description ?? null,
      type: body.type,
      config,
      action,
      enabled: body.enabled ?? true,
      max_per_hour: body.max_per_hour ?? DEFAULT_PER_HOUR,
      cooldown_seconds: body.cooldown_seconds ?? 0,
      coalesce_seconds: body.coalesce_seconds ?? 0,
      as_role: this.role(),
      author: personOf(this.context.actor),
    };
  }

  private role(): Role {
    return roleOf(this.context.actor) ?? 'user';
  }

  private async lock(id: string): Promise<Trigger> {
    const trigger = await this.repository.lock(id);
    if (!trigger) throw notFound('trigger');
    checkIfMatch(this.context.get('ifMatch'), trigger);
    return trigger;
  }

  private async shown(id: string): Promise<ShownTrigger> {
    const { tenantId } = this.context;
    const trigger = await this.repository.find(tenantId, id);
    if (!trigger) throw notFound('trigger');
    return { ...trigger, last_fired_at: (await this.repository.lastFired(tenantId, [id])).get(id) ?? null };
  }
}

const beyond = (permission: Permission): Problem => new Problem('forbidden', { detail: `A trigger sees and does no more than who writes it: these credentials do not have the permission ${permission}.`, extra: { permission } });

/** What somebody wrote of it. */
const valuesIn = ({ name, description, type, config, action, enabled, max_per_hour, cooldown_seconds, coalesce_seconds, as_role, author }: TriggerValues): TriggerValues => ({ name, description, type, config, action, enabled, max_per_hour, cooldown_seconds, coalesce_seconds, as_role, author });
