import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Gauge } from 'prom-client';
import type { Mark } from '../../core/audit/restore-statement.js';
import { Config } from '../../platform/config/config.js';
import { Loops } from '../../platform/jobs/loops.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import { AuditKeys } from './audit-keys.js';
import { MarkFile } from './mark-file.js';

const WRITE_MS = 1_000;

/**
 * What this process knows of each log from elsewhere than the database: the newest checkpoint that it sealed or found right. In
 * memory at once, within a second in the data folder; so that whoever owns the database alone cannot put back an older state.
 */
@Injectable()
export class AuditMarks implements OnApplicationBootstrap {
  private readonly logger = new Logger(AuditMarks.name);
  private readonly marks = new Map<string, Mark>();
  /** Those that the file does not have yet. */
  private readonly unwritten = new Map<string, Mark>();
  private readonly failing: Gauge;
  private readonly foreign: Gauge;
  private file: MarkFile | undefined;
  private problem: string | undefined;
  /** One at a time is at the file, so that nothing older than what was just written is taken in. */
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly config: Config,
    private readonly keys: AuditKeys,
    private readonly loops: Loops,
    metrics: Metrics,
  ) {
    const registers = [metrics.registry];
    this.failing = new Gauge({ name: 'wheelhouse_audit_marks_failing', help: '1 while the marks of the audit log cannot be kept in WHEELHOUSE_DATA.', registers });
    this.foreign = new Gauge({ name: 'wheelhouse_audit_foreign_marks', help: 'Files in WHEELHOUSE_DATA with marks of the audit log of another installation.', registers });
  }

  onApplicationBootstrap(): void {
    if (this.config.runsJobs) this.loops.every('audit-marks', WRITE_MS, () => this.flush());
  }

  get all(): ReadonlyMap<string, Mark> {
    return this.marks;
  }

  get(tenantId: string): Mark | undefined {
    return this.marks.get(tenantId);
  }

  set(tenantId: string, mark: Mark): void {
    if (this.marks.get(tenantId)?.note === mark.note) return;
    this.marks.set(tenantId, mark);
    this.unwritten.set(tenantId, mark);
  }

  /** Takes in what the file says: this process, or another with the same folder, wrote it. */
  load(): Promise<void> {
    return this.inTurn(() => this.attempt((file) => this.takeIn(file)));
  }

  /** Writes what is new. A folder that cannot be written keeps nobody from sealing. */
  flush(): Promise<void> {
    return this.inTurn(() => this.writeNew());
  }

  private async writeNew(): Promise<void> {
    if (this.unwritten.size === 0) return;
    await this.attempt(async (file) => {
      // Nothing that was not read is written over.
      await this.takeIn(file);
      const changed = [...this.unwritten];
      if (changed.length === 0) return;
      await file.write(changed, this.marks);
      for (const [tenantId, mark] of changed) if (this.unwritten.get(tenantId) === mark) this.unwritten.delete(tenantId);
    });
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }

  private async takeIn(file: MarkFile): Promise<void> {
    for (const [tenantId, mark] of (await file.load()) ?? []) {
      const known = this.marks.get(tenantId);
      // Another process may have led meanwhile, and gone further than this one remembers.
      if (known && known.time >= mark.time) continue;
      this.marks.set(tenantId, mark);
      this.unwritten.delete(tenantId);
    }
  }

  private async attempt(work: (file: MarkFile) => Promise<void>): Promise<void> {
    const installation = await this.keys.installationId();
    try {
      await work((this.file ??= await this.open(installation)));
      if (this.problem !== undefined) this.logger.warn('The marks of the audit log are kept in WHEELHOUSE_DATA again.');
      this.problem = undefined;
    } catch (error) {
      if (this.problem === undefined) this.logger.warn({ err: error }, 'The marks of the audit log cannot be kept in WHEELHOUSE_DATA: until they are, an older state of the log that is put back while this process is stopped is not noticed.');
      this.problem = String(error);
    }
    this.failing.set(this.problem === undefined ? 0 : 1);
  }

  private async open(installation: string): Promise<MarkFile> {
    const file = new MarkFile(this.config.get('WHEELHOUSE_DATA'), installation);
    const others = await file.others();
    this.foreign.set(others.length);
    if (others.length > 0) this.logger.warn({ files: others }, 'WHEELHOUSE_DATA holds marks of the audit log of another installation: see whether this is the right database.');
    return file;
  }
}
