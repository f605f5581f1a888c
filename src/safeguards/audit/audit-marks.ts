import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { type NoteKey, verifierKey } from '../../core/audit/checkpoint.js';
import { followHandovers } from '../../core/audit/key-handover.js';
import { type Mark, openMark } from '../../core/audit/restore-statement.js';
import { Config } from '../../platform/config/config.js';
import { Loops } from '../../platform/jobs/loops.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import { AuditKeys, logNameOf } from './audit-keys.js';
import { type KnownKey, MarkFile, type Remembered, type SealedUpTo } from './mark-file.js';

const WRITE_MS = 1_000;

/**
 * What this process knows from elsewhere than the database: of each log the newest checkpoint that it sealed or found right, which are held, and which key signs. In
 * memory at once, within a second in the data folder; so that whoever owns the database alone cannot put back an older state.
 */
@Injectable()
export class AuditMarks implements OnApplicationBootstrap {
  private readonly logger = new Logger(AuditMarks.name);
  private readonly marks = new Map<string, Mark>();
  /** Those that the file does not have yet. */
  private readonly unwritten = new Map<string, Mark>();
  private readonly held = new Map<string, SealedUpTo>();
  private readonly unwrittenHolds = new Set<string>();
  private knownKey: KnownKey | undefined;
  private isKeyWritten = true;
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

  /** The key that signs, as far as is known; undefined before the first time. */
  get key(): KnownKey | undefined {
    return this.knownKey;
  }

  setKey(key: KnownKey): void {
    if (this.knownKey?.key === key.key) return;
    this.knownKey = { ...key, handovers: [...new Set([...(this.knownKey?.handovers ?? []), ...key.handovers])] };
    this.isKeyWritten = false;
  }

  /** Logs that are held, and up to where each is sealed. */
  get holds(): ReadonlyMap<string, SealedUpTo> {
    return this.held;
  }

  /** @param place undefined when it is held no more */
  setHold(tenantId: string, place: SealedUpTo | undefined): void {
    const known = this.held.get(tenantId);
    if (known?.tx === place?.tx && known?.id === place?.id) return;
    if (place) this.held.set(tenantId, place);
    else this.held.delete(tenantId);
    this.unwrittenHolds.add(tenantId);
  }

  /** Takes in what the file says: this process, or another with the same folder, wrote it. */
  load(): Promise<void> {
    return this.inTurn(() => this.attempt((file) => this.takeIn(file)));
  }

  /** Writes what is new. A folder that cannot be written keeps nobody from sealing. */
  flush(): Promise<void> {
    return this.inTurn(() => this.writeNew());
  }

  private get hasNews(): boolean {
    return this.unwritten.size > 0 || !this.isKeyWritten || this.unwrittenHolds.size > 0;
  }

  private async writeNew(): Promise<void> {
    if (!this.hasNews) return;
    await this.attempt(async (file) => {
      // Nothing that was not read is written over.
      await this.takeIn(file);
      if (!this.hasNews) return;
      const [marks, key] = [new Map(this.unwritten), this.knownKey];
      const holds = new Map([...this.unwrittenHolds].map((tenantId) => [tenantId, this.held.get(tenantId)] as const));
      await file.write({ marks, key: this.isKeyWritten ? undefined : key, holds }, { marks: this.marks, key, holds: this.held });
      for (const [tenantId, mark] of marks) if (this.unwritten.get(tenantId) === mark) this.unwritten.delete(tenantId);
      for (const [tenantId, place] of holds) if (this.held.get(tenantId) === place) this.unwrittenHolds.delete(tenantId);
      this.isKeyWritten = this.knownKey === key;
    });
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }

  private async takeIn(file: MarkFile): Promise<void> {
    const said = await file.load();
    for (const [tenantId, mark] of said?.marks ?? []) {
      // Another process may have led meanwhile, and gone further than this one remembers.
      if (this.isNews(tenantId, mark)) this.unwritten.delete(tenantId);
    }
    if (said) this.takeInHolds(said.holds);
    if (!said?.key || (this.knownKey && this.knownKey.since >= said.key.since)) return;
    this.knownKey = said.key;
    this.isKeyWritten = true;
  }

  /** The file is newer than what this process has written: another one may have led since. */
  private takeInHolds(holds: Remembered['holds']): void {
    for (const tenantId of this.held.keys()) if (!holds.get(tenantId) && !this.unwrittenHolds.has(tenantId)) this.held.delete(tenantId);
    for (const [tenantId, place] of holds) if (place && !this.unwrittenHolds.has(tenantId)) this.held.set(tenantId, place);
  }

  private isNews(tenantId: string, mark: Mark): boolean {
    const known = this.marks.get(tenantId);
    if (known && known.time >= mark.time) return false;
    this.marks.set(tenantId, mark);
    return true;
  }

  private async attempt(work: (file: MarkFile) => Promise<void>): Promise<void> {
    const installation = await this.keys.installationId();
    const keys = this.file ? [] : await this.keys.verifiers();
    try {
      await work((this.file ??= await this.open(installation, keys)));
      if (this.problem !== undefined) this.logger.warn('The marks of the audit log are kept in WHEELHOUSE_DATA again.');
      this.problem = undefined;
    } catch (error) {
      if (this.problem === undefined) this.logger.warn({ err: error }, 'The marks of the audit log cannot be kept in WHEELHOUSE_DATA: until they are, an older state of the log that is put back while this process is stopped is not noticed.');
      this.problem = String(error);
    }
    this.failing.set(this.problem === undefined ? 0 : 1);
  }

  private async open(installation: string, keys: readonly NoteKey[]): Promise<MarkFile> {
    const file = new MarkFile(this.config.get('WHEELHOUSE_DATA'), installation);
    const others = await file.others();
    this.foreign.set(others.length);
    for (const other of others) {
      const isOwn = this.takeInOther(other.installation, await other.load(), keys);
      if (isOwn) this.logger.error({ installation: other.installation }, 'WHEELHOUSE_DATA holds marks of the audit log that this installation signed under another id: somebody has changed its id in the database. They hold as before.');
      else this.logger.warn({ installation: other.installation }, 'WHEELHOUSE_DATA holds marks of the audit log of another installation: see whether this is the right database.');
    }
    return file;
  }

  /** What is signed with the keys of this installation is its own, whatever the database calls it by now. @returns whether there was any */
  private takeInOther(installation: string, said: Remembered | undefined, keys: readonly NoteKey[]): boolean {
    const name = logNameOf(installation);
    const { keys: own } = followHandovers(keys.map((key) => verifierKey({ ...key, name })), said?.key?.handovers ?? []);
    const isOwn = own.some((key) => verifierKey(key) === said?.key?.key) || [...(said?.marks ?? [])].some(([tenantId, { note }]) => openMark(note, own, `${name}/${tenantId}`));
    if (!said || !isOwn) return false;
    // All of it, as of the own file: some may be signed with a key that the database has no more.
    for (const [tenantId, mark] of said.marks) if (this.isNews(tenantId, mark)) this.unwritten.set(tenantId, mark);
    for (const [tenantId, place] of said.holds) if (place) this.setHold(tenantId, place);
    if (said.key && !(this.knownKey && this.knownKey.since >= said.key.since)) this.setKey(said.key);
    return true;
  }
}
