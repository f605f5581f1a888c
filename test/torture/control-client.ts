import { setTimeout as sleep } from 'node:timers/promises';
import { HistoryWriter, type OpOf, wasAccepted } from './history.ts';
import { Prng } from './prng.ts';
import { RecordedHttp } from './recorded-http.ts';

export interface ControlClientOptions {
  urls: readonly string[];
  folder: string;
  seed: number;
  headers: Record<string, string>;
  agentIds: readonly string[];
}

const ACTS = { pause: 1, kill: 1 };

/** An operator who pauses and kills agents, and lets them go again. */
export class ControlClient {
  private readonly http: RecordedHttp;
  private readonly prng: Prng;
  private readonly agentIds: readonly string[];

  constructor({ urls, folder, seed, headers, agentIds }: ControlClientOptions) {
    this.prng = new Prng(seed, 11);
    this.agentIds = agentIds;
    this.http = new RecordedHttp({ client: 'control', urls, headers, history: new HistoryWriter(folder, 'control'), prng: this.prng });
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await sleep(this.prng.between(300, 2_000));
      const agentId = this.prng.pick(this.agentIds);
      await this.act(agentId, this.prng.weighted(ACTS));
      await sleep(this.prng.between(300, 2_500));
      // Whatever became of the first: all agents run in the end.
      while (!wasAccepted(await this.act(agentId, 'resume'))) await sleep(200);
    }
  }

  private act(agentId: string, act: OpOf<'control'>['request']['act']): Promise<OpOf<'control'>> {
    return this.http.send('control', { agent_id: agentId, act }, { method: 'POST', path: `/agents/${agentId}/${act}`, body: { reason: 'torture' } });
  }
}
