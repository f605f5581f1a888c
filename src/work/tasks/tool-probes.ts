import type { Logger } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import type { CircuitBreakersReader } from '../../safeguards/circuit-breakers/circuit-breakers.reader.js';
import type { Assignment } from './claims.repository.js';

type Passage = Awaited<ReturnType<CircuitBreakersReader['enter']>>;

/**
 * The tools that a batch of claims may not hand out tasks for, and the probes that it may: of a tool whose breaker is half
 * open one task of the batch goes out, if a probe is free.
 */
export class ToolProbes {
  private readonly used = new Map<string, string>();

  private constructor(
    /** Tools that no task may need. */
    readonly refused: readonly string[],
    private readonly passages: ReadonlyMap<string, Passage>,
  ) {}

  /** @param awaited which of these tools a task waits for: a probe that nobody needs is not asked for */
  static async take(breakers: CircuitBreakersReader, tenantId: string, awaited: (tools: readonly string[]) => Promise<string[]>): Promise<ToolProbes> {
    const { refused, due } = await breakers.refusedTools(tenantId);
    const passages = new Map<string, Passage>();
    for (const name of due.length === 0 ? [] : await awaited(due)) {
      const passage = await breakers.enter(tenantId, { kind: 'tool', name }).catch(unlessOpen);
      if (passage) passages.set(name, passage);
    }
    return new ToolProbes(refused.filter((tool) => !passages.has(tool)), passages);
  }

  get some(): boolean {
    return this.passages.size > 0;
  }

  /** Of the assignments those that may be made: one for each probe. @param toolsOf the tools of a task */
  choose(given: readonly Assignment[][], toolsOf: ReadonlyMap<string, readonly string[]>): Assignment[][] {
    this.used.clear();
    return given.map((list) => list.filter(({ taskId }) => this.admits(taskId, toolsOf.get(taskId) ?? [])));
  }

  /** Tells which tasks the probes are; those that were not used go back. */
  async settle(handedOut: ReadonlySet<string>, logger: Logger): Promise<void> {
    const ends = [...this.passages].map(([tool, passage]) => {
      const taskId = this.used.get(tool);
      return settleProbe(passage, taskId !== undefined && handedOut.has(taskId) ? taskId : undefined, logger);
    });
    await Promise.all(ends);
  }

  private admits(taskId: string, tools: readonly string[]): boolean {
    const probed = tools.filter((tool) => this.passages.has(tool));
    if (probed.some((tool) => this.used.has(tool))) return false;
    for (const tool of probed) this.used.set(tool, taskId);
    return true;
  }
}

/** The probe is this task now, or goes back. The task was handed out already: whatever fails here is no reason to keep it. */
export async function settleProbe(passage: Passage, taskId: string | undefined, logger: Logger): Promise<void> {
  await (taskId === undefined ? passage.abandoned() : passage.handedOut(taskId)).catch((error: unknown) => logger.warn({ err: error }, 'A probe of a circuit breaker could not be settled; it comes back by itself.'));
}

function unlessOpen(error: unknown): undefined {
  if (error instanceof Problem && error.code === 'circuit_open') return undefined;
  throw error;
}
