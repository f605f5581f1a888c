import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Problem } from '../../../core/problem.js';
import { Config } from '../../../platform/config/config.js';
import { isDatabaseAway, tookTooLong } from '../../../platform/database/database-problem.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { Jobs } from '../../../platform/jobs/jobs.js';
import { type ArchivedRows, type OldRun, RunArchiveRepository } from './run-archive.repository.js';

const JOB = 'workflow-archive';
const HOURLY = '37 * * * *';
const AT_ONCE = 200;
/** After so many it is no affair of single runs. */
const MOST_FAILURES = 20;
const [pack, unpack] = [promisify(gzip), promisify(gunzip)];

/**
 * Puts the steps of runs that ended long ago into one compressed row each, and takes them out again for whoever asks. The run itself
 * stays in its table, and in every list.
 */
@Injectable()
export class RunArchive implements OnModuleInit {
  private readonly logger = new Logger(RunArchive.name);

  constructor(
    private readonly context: RequestContext,
    private readonly config: Config,
    private readonly jobs: Jobs,
    private readonly repository: RunArchiveRepository,
  ) {}

  onModuleInit(): void {
    this.jobs.define(JOB, (_data, { signal }) => this.archive(signal), { retries: 2 });
    this.jobs.schedule(JOB, HOURLY);
  }

  /** Archives what is old enough, until nothing is. */
  async archive(signal: AbortSignal): Promise<void> {
    const failed: string[] = [];
    while (failed.length < MOST_FAILURES) {
      const runs = await this.repository.oldest(this.config.get('WORKFLOW_ARCHIVE_DAYS'), AT_ONCE, failed);
      for (const { tenant_id: tenantId, id } of runs) {
        if (signal.aborted) return;
        await this.context.runAsSystem(tenantId, 'workflow-archive', () => this.archiveOne({ tenant_id: tenantId, id })).catch((error: unknown) => {
          if (isDatabaseAway(error) && !tookTooLong(error)) throw error;
          // One that cannot be archived keeps no other from it; the next hour tries again.
          this.logger.error({ err: error, run: id }, 'A run could not be archived.');
          failed.push(id);
        });
      }
      if (runs.length < AT_ONCE) break;
    }
    if (failed.length > 0) throw new Error(`${failed.length} runs could not be archived, the first of them ${failed[0] ?? ''}.`);
  }

  /** Puts the steps of an archived run back into their tables: it is to go on. @throws Problem `not_found`, `erased` */
  @Transactional()
  async takeOut(runId: string): Promise<void> {
    await this.repository.restore(this.context.tenantId, runId, await this.rowsOf(runId));
  }

  /** @throws Problem `erased` */
  async rowsOf(runId: string): Promise<ArchivedRows> {
    const content = await this.repository.find(this.context.tenantId, runId);
    if (content === undefined) throw new Problem('erased');
    return JSON.parse((await unpack(content)).toString('utf8')) as ArchivedRows;
  }

  @Transactional()
  protected async archiveOne({ tenant_id: tenantId, id }: OldRun): Promise<void> {
    // Another process may have been first, or somebody goes on with it.
    if (!(await this.repository.hold(tenantId, id))) return;
    const rows = await this.repository.rowsOf(tenantId, id);
    await this.repository.store(tenantId, id, await this.repository.agentsOf(tenantId, id), await pack(JSON.stringify(rows)));
  }
}
