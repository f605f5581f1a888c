import { Injectable } from '@nestjs/common';
import { EventLoopPace } from '../../../core/event-loop-pace.js';
import { newId } from '../../../core/ids.js';
import { type Graph, GraphIndex, ROOT } from '../../../core/workflows/graph.js';
import { Pass } from '../../../core/workflows/pass.js';
import type { Fact, StepError, StepRow } from '../../../core/workflows/rows.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { WorkflowVersions } from '../workflow-versions.reader.js';
import { StepEvaluator } from './step-evaluator.js';
import { LoadedRows } from './run-rows.js';
import { type HeldRun, type NewFact, RunsRepository } from './runs.repository.js';
import { StepRowsRepository, type WrittenRow } from './step-rows.repository.js';

/** Runs with no more steps are read whole: one statement instead of one for each question. */
const SMALL = 200;
/** Steps that one transition starts: then it commits, and another goes on. While a transaction runs, nobody follows the event log beyond it. */
const MOST_STARTS = 250;
/** After that a transaction begins no other run, and each run goes one step on. Expressions may take long, and all wait for each other's. */
const LONGEST_MS = 250;

/** A transition that was made. */
export interface Moved {
  run: HeldRun;
  pass: Pick<Pass, 'effects'>;
  rows: readonly WrittenRow[];
  /** Those of the rows that are in another state than before. */
  news: readonly StepRow[];
  before: HeldRun['status'];
}

interface MovedOn extends Moved {
  pass: Pass;
}

/** What is done to a run: it goes on by itself, or somebody stops it or starts it again. */
export type Move = (pass: Pass, facts: readonly Fact[], due: readonly StepRow[]) => Promise<void>;

/** Reads what transitions need, makes them, and writes what they have changed: all of it in the caller's transaction, which holds the runs. */
@Injectable()
export class RunMover {
  private readonly graphs = new WeakMap<Graph, GraphIndex>();

  constructor(
    private readonly context: RequestContext,
    private readonly runs: RunsRepository,
    private readonly steps: StepRowsRepository,
    private readonly evaluator: StepEvaluator,
    private readonly versions: WorkflowVersions,
  ) {}

  /**
   * @param only ids of the facts that are heard, instead of the first
   * @returns what was moved: the first of them in any case, others as long as there was time. What happened to the rest stays.
   */
  async move(runs: readonly HeldRun[], move: Move, only?: readonly string[]): Promise<Moved[]> {
    const { tenantId } = this.context;
    const ids = runs.map(({ id }) => id);
    const large = runs.filter(({ steps }) => steps > SMALL).map(({ id }) => id);
    const small = ids.filter((id) => !large.includes(id));
    const now = await this.runs.now();
    const facts = await this.runs.takeFacts(tenantId, ids, only);
    const whole = await this.steps.all(tenantId, small);
    const due = await this.steps.due(tenantId, large);
    const moved: MovedOn[] = [];
    const unheard: NewFact[] = [];
    const end = performance.now() + LONGEST_MS;
    for (const run of runs) {
      if (moved.length > 0 && performance.now() > end) {
        unheard.push(...named(run, facts.get(run.id)));
        continue;
      }
      const isWhole = run.steps <= SMALL;
      const known = (isWhole ? whole : due).get(run.id) ?? [];
      const graph = await this.graphOf(run);
      const rows = new LoadedRows(this.steps, tenantId, run.id, graph, known, isWhole);
      const before = run.status;
      await rows.prepare([...(facts.get(run.id) ?? []).map(({ path }) => path).filter((path) => path !== ROOT), ...known.map(({ path }) => path)]);
      const pass = new Pass(run, graph, rows, this.evaluator, now, newId, Math.random, { steps: MOST_STARTS, isLate: () => performance.now() > end, pace: new EventLoopPace() });
      await move(pass, facts.get(run.id) ?? [], known.filter((row) => isDue(row, now)));
      unheard.push(...named(run, pass.unheard));
      moved.push({ run, pass, rows: rows.written, news: rows.news, before });
    }
    await this.runs.addFacts(tenantId, unheard);
    await this.write(tenantId, moved);
    return moved;
  }

  /** Ends a run that can neither be moved on nor undone, without a look at what it was about: its steps wait for nothing more. */
  async abandon(run: HeldRun, error: StepError): Promise<Moved> {
    const { tenantId } = this.context;
    const { status: before, ends_as: endsAs } = run;
    const released = await this.steps.abandon(tenantId, run.id, error.message);
    Object.assign(run, { status: endsAs ?? 'failed', ends_as: endsAs ?? 'failed', error, open: 0, timeout_at: null, ended_at: await this.runs.now() });
    await this.runs.write(tenantId, [run]);
    return { run, pass: { effects: released.map(({ path, waiting }) => ({ kind: 'release', path, waiting, reason: error.message })) }, rows: [], news: [], before };
  }

  private async write(tenantId: string, moved: readonly MovedOn[]): Promise<void> {
    await this.steps.write(tenantId, moved.flatMap(({ rows }) => rows));
    await this.steps.writeAttempts(tenantId, moved.flatMap(({ run, pass }) => pass.attempts.map((attempt) => ({ runId: run.id, attempt }))));
    await this.runs.write(tenantId, moved.map(({ run }) => run));
  }

  /** What was made of a graph is kept as long as the graph is. */
  private async graphOf({ workflow_id, version }: HeldRun): Promise<GraphIndex> {
    const graph = await this.versions.graphOf(workflow_id, version);
    const index = this.graphs.get(graph) ?? new GraphIndex(graph);
    this.graphs.set(graph, index);
    return index;
  }
}

const named = ({ id: runId }: HeldRun, facts: readonly Fact[] = []): NewFact[] => facts.map((fact) => ({ ...fact, runId }));

const isDue = ({ due_at, timeout_at }: StepRow, now: Date): boolean => [due_at, timeout_at].some((time) => time !== null && time <= now);
