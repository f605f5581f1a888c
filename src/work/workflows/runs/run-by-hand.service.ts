import { Injectable } from '@nestjs/common';
import { Transactional, TransactionHost } from '@nestjs-cls/transactional';
import { personOf } from '../../../core/actor.js';
import { Problem } from '../../../core/problem.js';
import { type AuditOrigin, AuditPort } from '../../../platform/auth/audit-port.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { Batcher } from '../../../platform/database/batcher.js';
import { isDatabaseAway } from '../../../platform/database/database-problem.js';
import { type RunOrder, RunStarts, type StartedRun } from './run-starts.service.js';
import type { StartedRunView } from './runs.view.js';

const MOST_TOGETHER = 64;
const MOST_RUNNING = 2;
/** Of inputs in one transaction, beyond the first. */
const MOST_CHARACTERS = 4_000_000;

interface Order extends RunOrder {
  origin: AuditOrigin;
}

/** Runs that people start. Requests that arrive while others are being served go together in one transaction. */
@Injectable()
export class RunByHandService {
  private readonly together = new Batcher<Order, StartedRun | Problem>(
    // In a context of its own: the batch runs in whatever request came first, and is none of its business.
    (tenantId, orders) => this.context.runAsSystem(tenantId, 'workflows', () => this.startAll(orders)),
    MOST_TOGETHER,
    MOST_RUNNING,
    { weigh: ({ input }) => JSON.stringify(input).length, mostWeight: MOST_CHARACTERS, concernsAll: isDatabaseAway },
  );

  constructor(
    private readonly context: RequestContext,
    private readonly transactions: TransactionHost,
    private readonly starts: RunStarts,
    private readonly audit: AuditPort,
  ) {}

  /** @throws Problem as `RunStarts.start` */
  async start(workflowId: string, input: object): Promise<StartedRunView> {
    const { actor, tenantId } = this.context;
    const order: Order = { workflowId, input, startedBy: { kind: actor.kind, id: actor.id }, requester: personOf(actor), origin: this.audit.origin() };
    // What runs in a transaction already belongs to it.
    const [started] = this.transactions.isTransactionActive() ? await this.startAll([order]) : [await this.together.add(tenantId, order)];
    if (started === undefined) throw new Error('A run was not started.');
    if (started instanceof Problem) throw started;
    return { run_id: started.runId, status: started.status };
  }

  @Transactional()
  protected async startAll(orders: readonly Order[]): Promise<(StartedRun | Problem)[]> {
    const answers = await this.starts.startMany(orders);
    await this.audit.recordAll(
      answers.flatMap((started, at) => {
        const { workflowId, origin } = orders[at] as Order;
        return started instanceof Problem ? [] : [{ origin, action: 'workflow.run', resource: { type: 'workflow', id: workflowId }, after: { run_id: started.runId } }];
      }),
    );
    return answers;
  }
}
