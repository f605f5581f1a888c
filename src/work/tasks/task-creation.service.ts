import { Injectable } from '@nestjs/common';
import { Transactional, TransactionHost } from '@nestjs-cls/transactional';
import { type Actor, systemActor } from '../../core/actor.js';
import { newId } from '../../core/ids.js';
import { Problem, refusalOf } from '../../core/problem.js';
import { type AuditOrigin, AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Batcher } from '../../platform/database/batcher.js';
import { isDatabaseAway } from '../../platform/database/database-problem.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { Events } from '../../platform/events/events.js';
import { planLimitReached, PlanLimits, type Room } from '../../platform/limits/plan-limits.port.js';
import type { Task } from './task.entity.js';
import { TaskLanesRepository } from './task-lanes.repository.js';
import { priorityRank } from './task.machine.js';
import { TaskReferencesService } from './task-references.service.js';
import { TaskSignal } from './task-signal.js';
import { TaskCreated } from './tasks.events.js';
import type { CreateTaskDto } from './tasks.dto.js';
import { COUNTED_TASKS, type NewTask, TasksRepository } from './tasks.repository.js';
import { factOf } from './tasks.service.js';
import { toTaskView } from './tasks.view.js';

const MOST_TOGETHER = 64;
const MOST_RUNNING = 2;
/** Of requests in one transaction, beyond the first. */
const MOST_CHARACTERS = 4_000_000;

/** A task to be made, and who wants it. */
interface Order {
  /** Of whoever orders it and waits for it; left out, one is made. */
  id?: string;
  request: CreateTaskDto;
  actor: Actor;
  requestId: string | undefined;
  origin: AuditOrigin;
}

/**
 * Makes tasks. Requests that arrive while others are being served go together in one transaction; each is checked by
 * itself, and one that is refused takes no other with it.
 */
@Injectable()
export class TaskCreationService {
  private readonly together = new Batcher<Order, Task | Problem>(
    // In a context of its own: the batch runs in whatever request came first, and is none of its business.
    (tenantId, orders) => this.context.runAsSystem(tenantId, 'tasks', () => this.make(tenantId, orders)),
    MOST_TOGETHER,
    MOST_RUNNING,
    { weigh: ({ request }) => JSON.stringify(request).length, mostWeight: MOST_CHARACTERS, concernsAll: isDatabaseAway },
  );

  constructor(
    private readonly context: RequestContext,
    private readonly transactions: TransactionHost,
    private readonly repository: TasksRepository,
    private readonly lanes: TaskLanesRepository,
    private readonly references: TaskReferencesService,
    private readonly audit: AuditPort,
    private readonly events: Events,
    private readonly signal: TaskSignal,
    private readonly plans: PlanLimits,
  ) {
    plans.countBy('open_tasks', COUNTED_TASKS);
  }

  /** @throws Problem `invalid_request` for an id that is not there, `plan_limit_reached` */
  async create(request: CreateTaskDto): Promise<Task> {
    const { tenantId, actor, requestId } = this.context;
    const order: Order = { request, actor, requestId, origin: this.audit.origin() };
    // What runs in a transaction already belongs to it. What holds other tasks until the commit should hold them briefly.
    const alone = this.transactions.isTransactionActive() || request.parent_task_id || (request.depends_on?.length ?? 0) > 0;
    const [made] = alone ? await this.make(tenantId, [order]) : [await this.together.add(tenantId, order)];
    if (made === undefined) throw new Error('A task was not made.');
    if (made instanceof Problem) throw made;
    return made;
  }

  /**
   * Makes tasks for another part of the plane, in its transaction, under ids that it knows already.
   * @returns for each, in their order, its task or why not
   */
  createMany(requests: readonly { id: string; request: CreateTaskDto; maker?: string }[]): Promise<(Task | Problem)[]> {
    const { tenantId, actor, requestId } = this.context;
    const origin = this.audit.origin();
    return this.make(tenantId, requests.map(({ id, request, maker }) => ({ id, request, actor: maker === undefined ? actor : systemActor(tenantId, maker), requestId, origin })), false);
  }

  /** @returns for each order, in their order, its task or why not */
  @Transactional()
  private async make(tenantId: string, orders: readonly Order[], throws = true): Promise<(Task | Problem)[]> {
    const planned: (NewTask | Problem)[] = [];
    const room = await this.plans.room('open_tasks');
    for (const order of orders) planned.push(await this.planWithin(room, tenantId, order).catch(refusalOf));
    // Alone, a refusal rolls back what was done before it was found.
    if (throws && planned.length === 1 && planned[0] instanceof Problem) throw planned[0];
    const rows = planned.filter((row) => !(row instanceof Problem));
    if (rows.length === 0) return planned as Problem[];
    const byId = new Map((await this.repository.insert(tenantId, rows)).map((task) => [task.id, task]));
    const answers = planned.map((row) => (row instanceof Problem ? row : taskOf(byId, row.id)));
    const made = answers.flatMap((task, index) => (task instanceof Problem ? [] : [{ task, order: orders[index] as Order }]));
    for (const { task, order } of made) if (order.request.depends_on?.length) await this.repository.addDependencies(tenantId, task.id, order.request.depends_on);
    // These two leave in one write.
    await Promise.all([
      // Agents' own changes live in attempts and the event log; what people and keys change is audited.
      this.audit.recordAll(
        made
          .filter(({ order }) => order.actor.kind !== 'agent')
          .map(({ task, order }) => ({ origin: order.origin, action: 'task.create', resource: { type: 'task', id: task.id }, after: toTaskView(task) })),
      ),
      this.events.publishEach(
        TaskCreated,
        made.map(({ task, order }) => ({ data: { ...factOf(task), title: task.title, priority: task.priority }, requestId: order.requestId })),
      ),
    ]);
    this.announce(made.map(({ task }) => task));
    return answers;
  }

  /** Like `plan`, as far as there is room; what is planned takes some of it. */
  private async planWithin(room: Room | undefined, tenantId: string, order: Order): Promise<NewTask> {
    if (room && room.current >= room.limit) throw planLimitReached('open_tasks', room);
    const planned = await this.plan(tenantId, order);
    await this.plans.take('open_tasks', room);
    return planned;
  }

  private async plan(tenantId: string, { id = newId(), request, actor }: Order): Promise<NewTask> {
    await this.references.check(tenantId, request);
    // Before the dependencies are shared: the parent may be one of them, and two that share a row cannot both change it.
    if (request.parent_task_id) await this.repository.touch(tenantId, request.parent_task_id);
    const waitingFor = await this.references.countOpen(tenantId, request.depends_on ?? []);
    const status = request.status === 'inbox' ? 'inbox' : waitingFor > 0 ? 'blocked' : 'queued';
    const priority = request.priority ?? 'medium';
    const lane = { agent_id: request.agent_id ?? null, board_id: request.board_id ?? null, required_tools: request.required_tools ?? [] };
    return {
      ...lane,
      id,
      lane_id: await this.lanes.idOf(tenantId, lane),
      title: request.title,
      description: request.description ?? null,
      instructions: request.instructions ?? null,
      payload: request.payload ?? null,
      status,
      priority,
      priority_rank: priorityRank(priority),
      parent_task_id: request.parent_task_id ?? null,
      deadline: request.deadline ? new Date(request.deadline) : null,
      max_retries: request.max_retries ?? 3,
      ready: status === 'queued',
      waiting_for: waitingFor,
      created_by_kind: actor.kind,
      created_by_id: actor.id,
    };
  }

  private announce(tasks: readonly Task[]): void {
    const ready = new Map<string, number>();
    for (const task of tasks) if (task.ready) ready.set(task.lane_id, (ready.get(task.lane_id) ?? 0) + 1);
    const [first] = tasks;
    if (first && ready.size > 0) afterCommit(() => ready.forEach((count, lane) => this.signal.ready(first.tenant_id, lane, count)));
  }
}

function taskOf(byId: ReadonlyMap<string, Task>, id: string): Task {
  const task = byId.get(id);
  if (!task) throw new Error('An insert returned no row.');
  return task;
}
