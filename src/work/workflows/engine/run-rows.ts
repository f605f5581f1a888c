import { type GraphIndex, scopeOf } from '../../../core/workflows/graph.js';
import type { RunRows } from '../../../core/workflows/pass.js';
import { isEnding, type StepRow } from '../../../core/workflows/rows.js';
import type { StepRowsRepository, WrittenRow } from './step-rows.repository.js';

/** So many more are read with those that are asked for. */
const AHEAD = 100;

/**
 * The steps of one run in one transaction: read when they are asked for, each at most once, and written together at the end. What
 * the database is asked for meanwhile is seen as the transition has changed it.
 */
export class LoadedRows implements RunRows {
  private readonly known = new Map<string, StepRow>();
  private readonly changed = new Set<StepRow>();
  /** As they were read. */
  private readonly before = new Map<string, Pick<StepRow, 'status' | 'input'>>();

  /** @param isWhole whether `rows` are all that the run has: then nothing more is read */
  constructor(
    private readonly repository: StepRowsRepository,
    private readonly tenantId: string,
    private readonly runId: string,
    private readonly graph: GraphIndex,
    rows: readonly StepRow[],
    private readonly isWhole: boolean,
  ) {
    this.keep(rows);
  }

  async get(path: string): Promise<StepRow> {
    await this.expect([path]);
    const known = this.known.get(path);
    if (!known) throw new Error(`The run ${this.runId} has no step ${path}.`);
    return known;
  }

  async expect(paths: readonly string[]): Promise<void> {
    if (this.isWhole) return;
    const missing = paths.filter((path) => !this.known.has(path));
    if (missing.length > 0) this.keep(await this.repository.paths(this.tenantId, this.runId, [...new Set([...missing, ...this.ahead(missing)])]));
  }

  /** Steps behind these, nearest first: a transition that comes to one of them often comes to the next. */
  private ahead(paths: readonly string[]): string[] {
    const found = [...paths];
    for (let at = 0; at < found.length && found.length < paths.length + AHEAD; at += 1) {
      found.push(...this.graph.successorsOf(found[at] ?? '').slice(0, paths.length + AHEAD - found.length));
    }
    return found.slice(paths.length).filter((path) => !this.known.has(path));
  }

  add(rows: readonly StepRow[]): void {
    for (const row of rows) {
      this.known.set(row.path, row);
      this.changed.add(row);
    }
  }

  touch(row: StepRow): void {
    this.changed.add(row);
  }

  get written(): readonly WrittenRow[] {
    return [...this.changed].map((row) => {
      const before = this.before.get(row.path);
      return { runId: this.runId, row, isNew: before === undefined, keepsInput: before !== undefined && before.input === row.input };
    });
  }

  /** Rows that are in another state than they were read in; new ones that only wait for others are no news. */
  get news(): readonly StepRow[] {
    return [...this.changed].filter(({ path, status }) => status !== (this.before.get(path)?.status ?? 'pending'));
  }

  /** Reads together what a transition that begins with these steps will ask for. */
  async prepare(paths: readonly string[]): Promise<void> {
    if (!this.isWhole && paths.length > 0) this.keep(await this.repository.around(this.tenantId, this.runId, paths));
  }

  openUnder(scope: string): Promise<StepRow[]> {
    return this.select(() => this.repository.openUnder(this.tenantId, this.runId, scope), ({ path, status, undoes }) => !isEnding(status) && undoes === null && (scope === '' || path.startsWith(`${scope}/`)));
  }

  in(scope: string): Promise<StepRow[]> {
    return this.select(() => this.repository.in(this.tenantId, this.runId, scope), ({ path, undoes }) => undoes === null && path !== scope && scopeOf(path) === scope);
  }

  ready(): Promise<StepRow[]> {
    return this.select(() => this.repository.ready(this.tenantId, this.runId), ({ status }) => status === 'ready');
  }

  undone(): Promise<StepRow[]> {
    return this.select(() => this.repository.undone(this.tenantId, this.runId), ({ undone }) => undone);
  }

  async lastUndoable(): Promise<StepRow | undefined> {
    const undone = [...this.known.values()].filter(({ undoable }) => !undoable).map(({ path }) => path);
    const rows = await this.select(() => this.repository.lastUndoable(this.tenantId, this.runId, undone), ({ undoable }) => undoable);
    return rows.sort((a, b) => (b.ended_seq ?? 0) - (a.ended_seq ?? 0))[0];
  }

  /** What the database has, as far as this transition has not changed it, and what it has changed, by one condition. */
  private async select(load: () => Promise<StepRow[]>, isMeant: (row: StepRow) => boolean): Promise<StepRow[]> {
    if (!this.isWhole) this.keep(await load());
    return [...this.known.values()].filter(isMeant);
  }

  /** A row that is known stays what it is here. */
  private keep(rows: readonly StepRow[]): StepRow[] {
    return rows.map((row) => {
      const known = this.known.get(row.path);
      if (known) return known;
      this.known.set(row.path, row);
      this.before.set(row.path, { status: row.status, input: row.input });
      return row;
    });
  }
}
