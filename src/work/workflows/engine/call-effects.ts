import { Injectable } from '@nestjs/common';
import { Jobs } from '../../../platform/jobs/jobs.js';
import { CALL_JOB, type CallOrder } from './call-job.js';
import type { EffectMaker, Wanted } from './effects.js';
import type { NewFact } from './runs.repository.js';

/** Calls of `http` steps: a job makes them, after the commit. One that is given up is answered to no one. */
@Injectable()
export class CallEffects implements EffectMaker {
  constructor(private readonly jobs: Jobs) {}

  async make(wanted: readonly Wanted[]): Promise<NewFact[]> {
    for (const { runId, path, attempt, undone_tries, values } of wanted) await this.jobs.enqueue<CallOrder>(CALL_JOB, { runId, path, attempt, undone_tries, values });
    return [];
  }
}
