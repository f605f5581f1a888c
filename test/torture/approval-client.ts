import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { HistoryWriter } from './history.ts';
import type { Person } from './person.ts';
import { Prng } from './prng.ts';
import { RecordedHttp } from './recorded-http.ts';

export interface ApprovalClientOptions {
  urls: readonly string[];
  folder: string;
  seed: number;
  person: Person;
  agent: { id: string; token: string };
}

/** How many use one grant at once. */
const AT_ONCE = 6;

interface Action {
  kind: string;
  arguments: Record<string, unknown>;
}

/** An agent that asks for approvals and uses what it was given many times at once, and the person who approves. */
export class ApprovalClient {
  private readonly options: ApprovalClientOptions;
  private readonly prng: Prng;
  private readonly history: HistoryWriter;
  private reviewer: Record<string, string> | undefined;
  private round = 0;

  constructor(options: ApprovalClientOptions) {
    this.options = options;
    this.prng = new Prng(options.seed, 25);
    this.history = new HistoryWriter(options.folder, 'approvals');
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.approveAndUse();
      await sleep(this.prng.between(50, 300));
    }
  }

  private async approveAndUse(): Promise<void> {
    this.round += 1;
    const { person, agent } = this.options;
    const action: Action = { kind: 'torture.act', arguments: { round: this.round, nonce: randomUUID() } };
    const headers = { 'x-agent-token': agent.token };
    const asked = await person.ask<{ id: string }>('POST', '/agent/approvals', headers, { title: `round ${this.round}`, action });
    if (!asked) return;
    // Some are used without ever having been approved.
    const isApproved = this.prng.next() < 0.8;
    if (isApproved && !(await this.approve(asked.id))) return;
    await Promise.all(Array.from({ length: AT_ONCE }, (_, lane) => this.redeem(asked.id, action, isApproved, lane)));
  }

  private async approve(id: string): Promise<boolean> {
    this.reviewer ??= await this.options.person.signIn();
    if (!this.reviewer) return false;
    const approved = await this.options.person.ask('POST', `/approvals/${id}/approve`, this.reviewer, {});
    // Signed in too long ago, or nobody answered: the next one signs in anew.
    if (!approved) this.reviewer = undefined;
    return approved !== undefined;
  }

  /** The last lane tries something else than what was approved. */
  private async redeem(id: string, action: Action, isApproved: boolean, lane: number): Promise<void> {
    const isExact = lane < AT_ONCE - 1;
    const body = { action: isExact ? action : { ...action, arguments: { ...action.arguments, more: true } } };
    const http = this.http(lane);
    for (let tries = 0; tries < 3; tries++) {
      await http.send('redeem', { approval_id: id, approved: isApproved, exact: isExact }, { method: 'POST', path: `/approvals/${id}/redeem`, body });
      await sleep(this.prng.between(1, 40));
    }
  }

  private http(lane: number): RecordedHttp {
    const { urls, seed, agent } = this.options;
    return new RecordedHttp({ client: `approval${this.round}-${lane}`, urls, headers: { 'x-agent-token': agent.token }, history: this.history, prng: new Prng(seed + this.round, 300 + lane) });
  }
}
