import { Injectable } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import { type Days, UsageRepository, type UsageSum } from './usage.repository.js';

export type { Days };

/** What was used, as it travels. */
export interface Used {
  cost_usd: number;
  input_tokens: number;
  output_tokens: number;
}

/** What others may ask about usage, of the context's tenant, in the caller's transaction. */
@Injectable()
export class UsageReader {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: UsageRepository,
  ) {}

  async total(days: Days): Promise<Used> {
    return toUsed(await this.repository.total(this.context.tenantId, days));
  }

  /** Days on which something was used, first to last. */
  async byDay(days: Days): Promise<(Used & { day: string })[]> {
    return (await this.repository.byDay(this.context.tenantId, days)).map(({ day, ...sum }) => ({ day, ...toUsed(sum) }));
  }

  /** The agents that cost most, and under a null id all others together. */
  async byAgent(days: Days, most: number): Promise<(Used & { agent_id: string | null })[]> {
    return (await this.repository.byAgent(this.context.tenantId, days, most)).map(({ agent_id, ...sum }) => ({ agent_id, ...toUsed(sum) }));
  }
}

/** Numbers of JSON hold sums of up to nine billion dollars to the last of 6 decimals. */
const toUsed = ({ cost_usd, input_tokens, output_tokens }: UsageSum): Used => ({ cost_usd: Number(cost_usd), input_tokens: Number(input_tokens), output_tokens: Number(output_tokens) });
