import type { Page } from '../../../core/page.js';
import type { StepStatus } from '../../../core/workflows/rows.js';
import type { ArchivedRows } from './run-archive.repository.js';
import { type AttemptRow, type Extent, pageOfSteps, pathAt, type ShownStep, type StepsOfRun } from './run-rows.js';
import type { ListStepsQuery } from './runs.dto.js';
import { shown } from './shown-values.js';

const TIMES = ['due_at', 'timeout_at', 'started_at', 'ended_at'];

/** Steps of a run that is archived, read as those in their tables are. All of it is in memory: a run has 10,000 steps at most. */
export class ArchivedSteps implements StepsOfRun {
  private readonly all: readonly ShownStep[];
  private readonly tries: Map<string, AttemptRow[]>;

  constructor({ steps, attempts }: ArchivedRows) {
    const shown = steps.map((row) => withTimes(row) as unknown as ShownStep).filter(({ type }) => type !== 'scope');
    // By bytes, as the table has them.
    this.all = shown.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
    this.tries = Map.groupBy(attempts.map((row) => withTimes(row) as unknown as AttemptRow), ({ path }) => path);
  }

  counts(): Promise<Partial<Record<StepStatus, number>>> {
    return Promise.resolve(Object.fromEntries([...Map.groupBy(this.all, ({ status }) => status)].map(([status, of]) => [status, of.length])));
  }

  steps({ limit, offset, cursor, status, under }: ListStepsQuery): Promise<Page<ShownStep>> {
    const meant = this.all.filter((step) => (status === undefined || step.status === status) && (under === undefined || step.path.startsWith(`${under}/`)));
    const after = cursor === undefined ? undefined : pathAt(cursor);
    const from = after === undefined ? offset : meant.findIndex(({ path }) => path > after);
    const rows = from < 0 ? [] : meant.slice(from, from + limit + 1);
    return Promise.resolve(pageOfSteps(rows.map(listed), { limit, offset: cursor === undefined ? offset : 0 }, { total: meant.length, beyond: false }));
  }

  /** It has ended. */
  waiting(): Promise<ShownStep[]> {
    return Promise.resolve([]);
  }

  step(path: string): Promise<ShownStep | undefined> {
    return Promise.resolve(this.all.find((step) => step.path === path));
  }

  attempts(paths: readonly string[], extent: Extent): Promise<Map<string, AttemptRow[]>> {
    const triesOf = (path: string): AttemptRow[] => (this.tries.get(path) ?? []).map((row) => (extent === 'whole' ? row : { ...row, output: shown(row.output) }));
    return Promise.resolve(new Map(paths.map((path) => [path, triesOf(path).sort((a, b) => a.attempt - b.attempt)])));
  }

  states(): Promise<{ path: string; status: StepStatus }[]> {
    return Promise.resolve(this.all.filter(({ undoes }) => undoes === null).map(({ path, status }) => ({ path, status })));
  }
}

const listed = (step: ShownStep): ShownStep => ({ ...step, input: shown(step.input), output: shown(step.output) });

function withTimes(row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]: [string, unknown]) => [name, TIMES.includes(name) && typeof value === 'string' ? new Date(value) : value]));
}
