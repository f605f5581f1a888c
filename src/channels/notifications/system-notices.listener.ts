import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { EventType, StoredEvent } from '../../core/event.js';
import { AgentStatusChanged } from '../../fleet/agents/agents.events.js';
import { PlanLimitReached } from '../../identity/tenants/tenants.events.js';
import { EventConsumers } from '../../platform/events/event-consumers.js';
import type { Notice } from '../../platform/notifications/notifier.port.js';
import { ApprovalDecided, ApprovalEscalated, ApprovalRequested } from '../../safeguards/approvals/approvals.events.js';
import { ApprovalsReader } from '../../safeguards/approvals/approvals.reader.js';
import { BreakerOpened } from '../../safeguards/circuit-breakers/circuit-breakers.events.js';
import { TaskFailed } from '../../work/tasks/tasks.events.js';
import { NotificationsService } from './notifications.service.js';
import { approvalKey, noticeOfAgent, noticeOfApproval, noticeOfBreaker, noticeOfPlan, noticeOfTask } from './system-notices.js';

const CONSUMER = 'system-notices';
/** Of one type in so long, so many are told one by one; the rest are one notice: a storm must not wash out the inbox. */
const MOST_OF_A_TYPE = 20;
const WINDOW_MS = 600_000;

/** Tells people what happened to their tenant: from the facts that domains publish, so that none of them need know of it. */
@Injectable()
export class SystemNotices implements OnModuleInit {
  constructor(
    private readonly consumers: EventConsumers,
    private readonly notifications: NotificationsService,
    private readonly approvals: ApprovalsReader,
  ) {}

  onModuleInit(): void {
    this.follow(AgentStatusChanged, noticeOfAgent);
    this.follow(TaskFailed, noticeOfTask);
    for (const type of [ApprovalRequested, ApprovalEscalated]) this.consumers.on(CONSUMER, type, ({ data }) => this.tellDeciders(data.approval_id));
    this.follow(BreakerOpened, noticeOfBreaker);
    this.follow(PlanLimitReached, noticeOfPlan);
    this.consumers.on(CONSUMER, ApprovalDecided, ({ data }) => this.notifications.settle(approvalKey(data.approval_id)));
  }

  private follow<T extends object>(type: EventType<T>, noticeOf: (fact: StoredEvent<T>) => Notice | undefined): void {
    this.consumers.onMany(CONSUMER, type, async (facts) => {
      const notices = facts.flatMap((fact) => {
        const notice = noticeOf(fact);
        return notice ? [{ notice, at: new Date(fact.occurred_at) }] : [];
      });
      if (notices.length > 0) await this.tell(notices);
    });
  }

  /** An approval waits for somebody: it is never one of many. When it is put before others, those who had its notice have it once. */
  @Transactional()
  protected async tellDeciders(approvalId: string): Promise<void> {
    const waiting = await this.approvals.waiting(approvalId);
    if (waiting) await this.notifications.notify(noticeOfApproval(waiting));
  }

  @Transactional()
  protected async tell(notices: readonly { notice: Notice; at: Date }[]): Promise<void> {
    for (const { notice, at } of notices) {
      const since = new Date(Math.floor(at.getTime() / WINDOW_MS) * WINDOW_MS);
      const told = await this.notifications.toldSince(notice.type, since, MOST_OF_A_TYPE);
      await this.notifications.notify(told < MOST_OF_A_TYPE ? notice : manyMore(notice, since));
    }
  }
}

function manyMore({ type, severity, to }: Notice, since: Date): Notice {
  return { type, severity, to, title: `And more of the kind ${type.replaceAll('_', ' ')}`, body: `More than ${MOST_OF_A_TYPE} in ten minutes: the others are not told one by one.`, key: `many:${type}:${since.toISOString()}` };
}
