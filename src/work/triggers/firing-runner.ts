import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Role } from '../../core/actor.js';
import { permissionFor, roleSees } from '../../core/event-families.js';
import { Problem } from '../../core/problem.js';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import { ExpressionFailure } from '../../platform/expressions/expressions.js';
import { Loops } from '../../platform/jobs/loops.js';
import { Notifier } from '../../platform/notifications/notifier.port.js';
import { makerOf } from './firing-chains.js';
import { FiringSignal } from './firing-signal.js';
import { FiringsRepository } from './firings.repository.js';
import { TriggerActions } from './trigger-actions.js';
import type { TriggerFiring } from './trigger-firing.entity.js';
import { failureNotice } from './trigger-notices.js';
import { TriggerFailed, TriggerFired } from './triggers.events.js';
import { TriggersRepository } from './triggers.repository.js';

const EVERY_MS = 250;
const AT_ONCE = 20;
const LANES = 2;
const MOST_ATTEMPTS = 6;
const LONGEST_REASON = 500;

/**
 * Does what firings are for: takes some that are due, fills in what their actions say, and does each in one transaction with its end, so
 * that it is done once. Whoever dies over one leaves it to be taken again; who turns the trigger off ends what waits.
 */
@Injectable()
export class FiringRunner implements OnApplicationBootstrap {
  private readonly logger = new Logger(FiringRunner.name);
  private running: Promise<void> | undefined;
  private end: AbortSignal | undefined;

  constructor(
    private readonly config: Config,
    private readonly context: RequestContext,
    private readonly loops: Loops,
    private readonly triggers: TriggersRepository,
    private readonly firings: FiringsRepository,
    private readonly actions: TriggerActions,
    private readonly events: Events,
    private readonly notifier: Notifier,
    private readonly signal: FiringSignal,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.runsJobs) return;
    this.loops.every('trigger-firings', EVERY_MS, (signal) => {
      this.end = signal;
      return this.round();
    });
    this.signal.onRaised(() => void this.round().catch((error: unknown) => this.logger.warn({ err: error }, 'Firings are taken up later.')));
  }

  /** Everything that is due now, until the process ends; one round at a time. */
  round(): Promise<void> {
    this.running ??= this.work().finally(() => (this.running = undefined));
    return this.running;
  }

  private async work(): Promise<void> {
    while (!this.end?.aborted) {
      const taken = await this.firings.take(AT_ONCE);
      if (taken.length === 0) return;
      // Side by side, but for a few: each holds a connection, and may need what another one would wait for.
      await Promise.all(Array.from({ length: LANES }, () => this.lane(taken)));
    }
  }

  /** One after the other, of those that nobody has begun with. */
  private async lane(taken: TriggerFiring[]): Promise<void> {
    for (let firing = taken.shift(); firing; firing = taken.shift()) {
      const next = firing;
      await this.context.runAsSystem(next.tenant_id, makerOf(next.id), () => this.run(next));
    }
  }

  private async run(firing: TriggerFiring): Promise<void> {
    try {
      const trigger = await this.look(firing);
      const filled = trigger && (await this.actions.fill(trigger, firing));
      if (filled) await this.perform(firing, filled, trigger.revision);
    } catch (error) {
      await this.failed(firing, error).catch((cause: unknown) => this.logger.warn({ err: cause, firing: firing.id }, 'That a firing failed could not be written down; it is taken again.'));
    }
  }

  /** @returns the trigger as it is now; undefined when it is turned off, or is somebody's now who may not see the event, and the firing ended */
  @Transactional()
  protected async look(firing: TriggerFiring): Promise<Awaited<ReturnType<TriggersRepository['share']>>> {
    const { tenant_id, id, trigger_id, attempts, event } = firing;
    const trigger = await this.triggers.share(tenant_id, trigger_id);
    const reason = !trigger ? 'disabled' : isHidden(trigger.as_role, event.name) ? 'hidden' : undefined;
    if (reason === undefined) return trigger;
    if (await this.firings.holdTaken(tenant_id, id, attempts)) await this.firings.end(tenant_id, id, 'skipped', reason, null);
    return undefined;
  }

  @Transactional()
  protected async perform(firing: TriggerFiring, filled: Record<string, unknown>, revision: number): Promise<void> {
    const { tenant_id, id, trigger_id, attempts, count } = firing;
    // The trigger before the firing, as those do who turn it off.
    const trigger = await this.triggers.share(tenant_id, trigger_id);
    if (!trigger || !(await this.firings.holdTaken(tenant_id, id, attempts))) return;
    // Changed meanwhile, it has another action, or another one's: that is filled in anew.
    if (trigger.revision !== revision) return this.firings.putOff(tenant_id, id, 0);
    const result = await this.actions.perform(trigger, firing, filled);
    await this.firings.end(tenant_id, id, 'fired', null, result);
    await this.events.publish(TriggerFired, { trigger_id, firing_id: id, name: trigger.name, action: trigger.action.type, count });
  }

  private async failed(firing: TriggerFiring, error: unknown): Promise<void> {
    const reason = reasonOf(error);
    if (reason === undefined) this.logger.error({ err: error, firing: firing.id, attempt: firing.attempts }, 'The action of a trigger failed.');
    if (reason === undefined && firing.attempts < MOST_ATTEMPTS) return this.putOff(firing);
    await this.giveUp(firing, reason ?? 'internal: something went wrong on our side');
  }

  @Transactional()
  protected putOff({ tenant_id, id, attempts }: TriggerFiring): Promise<void> {
    return this.firings.putOff(tenant_id, id, 2 ** attempts);
  }

  @Transactional()
  protected async giveUp({ tenant_id, id, trigger_id, attempts }: TriggerFiring, reason: string): Promise<void> {
    const trigger = await this.triggers.share(tenant_id, trigger_id);
    if (!(await this.firings.holdTaken(tenant_id, id, attempts))) return;
    await this.firings.end(tenant_id, id, 'failed', reason, null);
    if (!trigger) return;
    await this.events.publish(TriggerFailed, { trigger_id, firing_id: id, name: trigger.name, action: trigger.action.type, reason });
    await this.notifier.notify(failureNotice(trigger, reason, new Date(), id));
  }
}

/** Ticks and thresholds are no facts of anybody's: whoever sees the trigger sees them. */
const isHidden = (role: Role, name: string): boolean => permissionFor(name) !== undefined && !roleSees(role, name);

/** What will be the same when it is tried again; undefined for what may not. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof ExpressionFailure && error.reason !== 'busy') return `expression_failed: ${error.message}`.slice(0, LONGEST_REASON);
  if (error instanceof Problem && error.status < 500) return `${error.code}: ${error.message}`.slice(0, LONGEST_REASON);
  return undefined;
}
