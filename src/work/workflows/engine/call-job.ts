import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../../core/ids.js';
import { Problem } from '../../../core/problem.js';
import type { Fact } from '../../../core/workflows/rows.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { isDatabaseAway } from '../../../platform/database/database-problem.js';
import { afterCommit } from '../../../platform/database/tenant-transaction.adapter.js';
import { type OutboundAnswer, type OutboundCall, OutboundCalls } from '../../../platform/egress/outbound-calls.js';
import type { JobRun } from '../../../platform/jobs/job.js';
import { Jobs } from '../../../platform/jobs/jobs.js';
import { errorOf } from './effects.js';
import { RunSignal } from './run-signal.js';
import { RunsRepository } from './runs.repository.js';
import { StepRowsRepository } from './step-rows.repository.js';

export const CALL_JOB = 'workflow-call';
/** In one process. Tenants take turns: one alone has half of them, so that its slow hosts hold up nobody else's calls. */
const CONCURRENCY = 32;
/** Of a process that was killed the calls are made again after so long, and a look of the jobs. */
const HEARTBEAT_SECONDS = 10;
/** With pauses of up to five minutes: about two hours. */
const RETRIES = 30;
/** Orders hold what agents have said: they are not kept beyond their end. */
const KEEP_ENDED_SECONDS = 60;
const LONGEST_SECONDS = 600;
const LARGEST_ANSWER = 262_144;
/** Answers that another try may better: too early, too many, and the other side's own trouble. */
const PASSING = new Set([408, 425, 429]);

/** A call that a step of a run wants made. `values` is its configuration, filled in but for the secrets. */
export interface CallOrder {
  runId: string;
  path: string;
  attempt: number;
  /** Tries before it was undone; absent in orders of older versions. */
  undone_tries?: number;
  values: Readonly<Record<string, unknown>>;
}

/**
 * Makes the calls of `http` steps. Each carries a key that stays the same however often it is made: a process that dies between the
 * call and the writing of its answer makes it again.
 */
@Injectable()
export class CallJob implements OnModuleInit {
  private readonly logger = new Logger(CallJob.name);

  constructor(
    private readonly context: RequestContext,
    private readonly jobs: Jobs,
    private readonly calls: OutboundCalls,
    private readonly runs: RunsRepository,
    private readonly steps: StepRowsRepository,
    private readonly signal: RunSignal,
  ) {}

  onModuleInit(): void {
    this.jobs.define<CallOrder>(CALL_JOB, (order, run) => this.make(order, run), { concurrency: CONCURRENCY, inTurns: true, retries: RETRIES, retryDelayMaxSeconds: 300, heartbeatSeconds: HEARTBEAT_SECONDS, keepEndedSeconds: KEEP_ENDED_SECONDS });
  }

  private async make(order: CallOrder, { signal, attempt }: JobRun): Promise<void> {
    if (!(await this.isAwaited(order))) return;
    await this.tell(order, await this.outcomeOf(order, signal).catch((error: unknown) => {
      // After the last try nobody would ever tell the step.
      if (attempt <= RETRIES) throw error;
      return { outcome: 'failed' as const, output: null, error: { code: 'unavailable', message: 'The call could not be made for a long time.', passing: true } };
    }));
  }

  private async outcomeOf(order: CallOrder, signal: AbortSignal): Promise<Pick<Fact, 'outcome' | 'output' | 'error'>> {
    try {
      const answer = await this.calls.send({ ...callOf(order), signal });
      const { expect } = order.values;
      const isExpected = Array.isArray(expect) ? expect.includes(answer.status) : answer.status >= 200 && answer.status < 300;
      if (isExpected) return { outcome: 'completed', output: outputOf(answer), error: null };
      const error = { code: `http_${answer.status}`, message: `The answer had the status ${answer.status}.`, passing: PASSING.has(answer.status) || answer.status >= 500 };
      return { outcome: 'failed', output: outputOf(answer), error };
    } catch (error) {
      if (error instanceof Problem && error.code !== 'unavailable') return { outcome: 'failed', output: null, error: errorOf(error) };
      if (isDatabaseAway(error) || error instanceof Problem || signal.aborted) throw error;
      // Thrown again and again it would leave the step waiting for ever.
      this.logger.error({ err: error, run: order.runId, step: order.path }, 'A call could not be made.');
      return { outcome: 'failed', output: null, error: { code: 'internal', message: 'The call could not be made.', passing: true } };
    }
  }

  @Transactional()
  protected async isAwaited({ runId, path, attempt }: CallOrder): Promise<boolean> {
    const [row] = await this.steps.paths(this.context.tenantId, runId, [path]);
    return row?.status === 'waiting' && row.attempt === attempt;
  }

  @Transactional()
  protected async tell({ runId, path, attempt }: CallOrder, outcome: Pick<Fact, 'outcome' | 'output' | 'error'>): Promise<void> {
    await this.runs.addFacts(this.context.tenantId, [{ id: newId(), runId, path, attempt, ...outcome }]);
    afterCommit(() => this.signal.raise());
  }
}

/** The same with each try; another one once the step was undone: what was taken back is called for anew. */
const keyOf = ({ runId, path, undone_tries: undone = 0 }: CallOrder): string => (undone === 0 ? `${runId}/${path}` : `${runId}/${path}#${undone}`);

function callOf(order: CallOrder): OutboundCall {
  const { runId, values } = order;
  const { url, method, headers, body, input, timeout_seconds: seconds } = values as { url: string; method?: OutboundCall['method']; headers?: Record<string, string>; body?: unknown; input?: unknown; timeout_seconds?: number };
  const json = body ?? input;
  return {
    url,
    method: method ?? (json === undefined ? 'GET' : 'POST'),
    headers: { 'idempotency-key': keyOf(order), ...headers },
    ...(json === undefined ? {} : { json }),
    timeoutMs: Math.min(seconds ?? 30, LONGEST_SECONDS) * 1000,
    maxBytes: LARGEST_ANSWER,
    purpose: 'workflow',
    resource: { type: 'workflow_run', id: runId },
  };
}

function outputOf({ status, headers, body }: OutboundAnswer): object {
  return { status, headers, body: headers['content-type']?.includes('json') ? parsedOr(body) : body };
}

function parsedOr(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return body;
    throw error;
  }
}
