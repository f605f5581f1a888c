import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Clock } from '../../core/clock.js';
import { mapPage, type Page, type PageRequest } from '../../core/page.js';
import { invalidField } from '../../core/problem.js';
import { AgentsReader } from '../../fleet/agents/agents.reader.js';
import { ApprovalsReader } from '../../safeguards/approvals/approvals.reader.js';
import { type Days, UsageReader } from '../../safeguards/usage/usage.reader.js';
import { TasksReader } from '../../work/tasks/tasks.reader.js';
import type { ClientCostsQuery } from './client-portal.dto.js';
import { type ClientAgentView, type ClientCostsView, type ClientDashboardView, NOTHING, toTaskCountsView } from './client-portal.view.js';

const DAY_MS = 86_400_000;
const USUAL_DAYS = 30;
const MOST_DAYS = 366;
const MOST_AGENTS = 100;

/** What clients see of their tenant, made of what its domains tell. Nothing here is written. */
@Injectable()
export class ClientPortalService {
  constructor(
    private readonly clock: Clock,
    private readonly agentsReader: AgentsReader,
    private readonly tasks: TasksReader,
    private readonly approvals: ApprovalsReader,
    private readonly usage: UsageReader,
  ) {}

  @Transactional()
  async dashboard(): Promise<ClientDashboardView> {
    const now = this.clock.now();
    const [today, week, month] = [midnight(now), midnight(now, 6), midnight(now, 29)];
    const byStatus = await this.agentsReader.countByStatus();
    const [ofToday, ofWeek, ofMonth] = await this.tasks.countSince([today, week, month]);
    if (!ofToday || !ofWeek || !ofMonth) throw new Error('A time was not counted.');
    const { cost_usd } = await this.usage.total({ from: `${dayOf(now).slice(0, 7)}-01`, to: dayOf(now) });
    return {
      agents: { total: Object.values(byStatus).reduce((sum, count) => sum + count, 0), by_status: byStatus },
      tasks: { today: toTaskCountsView(today, ofToday), last_7_days: toTaskCountsView(week, ofWeek), last_30_days: toTaskCountsView(month, ofMonth) },
      approvals_waiting: await this.approvals.countWaiting(),
      cost_this_month_usd: cost_usd,
      generated_at: now.toISOString(),
    };
  }

  @Transactional()
  async agents(page: PageRequest): Promise<Page<ClientAgentView>> {
    const agents = await this.agentsReader.pageOfAll(page);
    return mapPage(agents, ({ id, name, role, status, last_seen_at }) => ({ id, name, type: role, status, last_seen_at: last_seen_at?.toISOString() ?? null }));
  }

  /** @throws Problem `invalid_request` when the days end before they begin, or are too many */
  @Transactional()
  async costs(query: ClientCostsQuery): Promise<ClientCostsView> {
    const days = this.daysOf(query);
    const used = new Map((await this.usage.byDay(days)).map(({ day, ...sum }) => [day, sum]));
    const byAgent = await this.usage.byAgent(days, MOST_AGENTS);
    const names = await this.agentsReader.namesOf(byAgent.flatMap(({ agent_id }) => agent_id ?? []));
    return {
      ...days,
      total: await this.usage.total(days),
      by_day: eachDay(days).map((day) => ({ day, ...(used.get(day) ?? NOTHING) })),
      by_agent: byAgent.map(({ agent_id, ...sum }) => ({ agent_id, agent_name: agent_id === null ? null : (names.get(agent_id) ?? null), ...sum })),
    };
  }

  private daysOf(query: ClientCostsQuery): Days {
    const last = query.to === undefined ? this.clock.now() : new Date(query.to);
    const first = query.from === undefined ? midnight(last, USUAL_DAYS - 1) : new Date(query.from);
    const days = { from: dayOf(first), to: dayOf(last) };
    if (days.from > days.to) throw invalidField('from', 'order', 'must not lie behind to');
    if (midnight(last).getTime() - midnight(first).getTime() >= MOST_DAYS * DAY_MS) throw invalidField('from', 'range', `must lie within ${MOST_DAYS} days of to`);
    return days;
  }
}

const dayOf = (time: Date): string => time.toISOString().slice(0, 10);

/** The beginning of the day of a time, or of one before it, in UTC: all its days have 24 hours. */
const midnight = (time: Date, daysBefore = 0): Date => new Date(Date.parse(dayOf(time)) - daysBefore * DAY_MS);

function eachDay({ from, to }: Days): string[] {
  const count = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  return Array.from({ length: count }, (_, index) => dayOf(new Date(Date.parse(from) + index * DAY_MS)));
}
