import { Injectable, Logger } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { LostFact, StepError } from '../../../core/workflows/rows.js';
import { fail, takeIn } from '../../../core/workflows/transition.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { isDatabaseAway } from '../../../platform/database/database-problem.js';
import { errorText } from '../../../platform/startup-error.js';
import { Consequences } from './consequences.service.js';
import { RunMover } from './run-mover.js';
import { type HeldRun, RunsRepository } from './runs.repository.js';
import { StepRowsRepository } from './step-rows.repository.js';

/** Transactions in which it is found out what can be taken in; what is not known by then is put aside with the rest. */
const MOST_LOOKS = 200;
const LONGEST_REASON = 500;

/**
 * Gives up a run that breaks the engine again and again. What has happened to it is looked at one by one: what can be taken in is, so
 * that it is undone with the rest; what breaks the run is kept beside it, with the reason, for people to look at.
 */
@Injectable()
export class GivingUp {
  private readonly logger = new Logger(GivingUp.name);

  constructor(
    private readonly context: RequestContext,
    private readonly runs: RunsRepository,
    private readonly steps: StepRowsRepository,
    private readonly mover: RunMover,
    private readonly consequences: Consequences,
  ) {}

  /** What it did is undone; where that is what breaks, it ends as it is. */
  async giveUp(id: string, said: string, breakages: number): Promise<void> {
    const error = { code: 'engine_error', message: `The run could not be moved on: ${said}`, passing: false };
    try {
      if (await this.failRun(id, error, await this.sift(id, said, breakages))) return;
    } catch (failure) {
      if (isDatabaseAway(failure)) throw failure;
      this.logger.warn({ err: failure, run: id }, 'What a run that breaks did cannot be undone.');
    }
    await this.abandon(id, error);
  }

  /** Takes in whatever can be. @returns why the rest cannot, by its id */
  private async sift(id: string, said: string, breakages: number): Promise<Map<string, string>> {
    const lost = new Map<string, string>();
    let looks = 0;
    const look = async (facts: readonly string[]): Promise<void> => {
      if (facts.length === 0) return;
      looks += 1;
      try {
        if (looks <= MOST_LOOKS) return await this.hear(id, facts, breakages, said);
        facts.forEach((fact) => lost.set(fact, said.slice(0, LONGEST_REASON)));
      } catch (error) {
        if (isDatabaseAway(error)) throw error;
        const half = Math.ceil(facts.length / 2);
        if (facts.length === 1) lost.set(facts[0] ?? '', errorText(error).slice(0, LONGEST_REASON));
        else for (const part of [facts.slice(0, half), facts.slice(half)]) await look(part);
      }
    };
    for (let facts = await this.unheard(id, []); facts.length > 0; facts = await this.unheard(id, [...lost.keys()])) await look(facts);
    return lost;
  }

  @Transactional()
  protected unheard(id: string, but: readonly string[]): Promise<string[]> {
    return this.runs.unheard(this.context.tenantId, id, but);
  }

  @Transactional()
  protected async hear(id: string, facts: readonly string[], breakages: number, said: string): Promise<void> {
    const run = await this.runs.holdOne(this.context.tenantId, id);
    if (!run) return;
    await this.consequences.of(await this.mover.move([run], takeIn, facts));
    await this.runs.keepBroken(this.context.tenantId, id, breakages, said);
  }

  /** @returns false for one that is being undone already and would break again */
  @Transactional()
  protected async failRun(id: string, error: StepError, reasons: ReadonlyMap<string, string>): Promise<boolean> {
    const run = await this.runs.holdOne(this.context.tenantId, id);
    if (!run || run.ended_at !== null) return true;
    if (run.status === 'compensating' && reasons.size === 0) return false;
    const lost = await this.keep(run, reasons, error.message);
    await this.consequences.of(await this.mover.move([run], (pass) => fail(pass, error, lost)));
    return true;
  }

  @Transactional()
  protected async abandon(id: string, { message, ...error }: StepError): Promise<void> {
    const run = await this.runs.holdOne(this.context.tenantId, id);
    if (!run || run.ended_at !== null) return;
    await this.keep(run, new Map(), message);
    await this.consequences.of([await this.mover.abandon(run, { ...error, message: `${message} What it did is not undone, or not all of it.` })]);
  }

  /** @returns what was put aside that concerns a step there is */
  private async keep(run: HeldRun, reasons: ReadonlyMap<string, string>, otherwise: string): Promise<LostFact[]> {
    const { tenantId } = this.context;
    const lost = await this.runs.keepUnheard(tenantId, run.id, reasons, otherwise.slice(0, LONGEST_REASON));
    const known = new Set((await this.steps.paths(tenantId, run.id, lost.map(({ path }) => path))).map(({ path }) => path));
    return lost.filter(({ path }) => known.has(path));
  }
}
