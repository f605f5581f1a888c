import { setTimeout as sleep } from 'node:timers/promises';
import type { Person } from './person.ts';

const PAUSE_MS = 200;

/** An administrator who started nothing and approves whatever is asked of him. */
export class WorkflowApprover {
  private readonly person: Person;
  private headers: Record<string, string> | undefined;

  constructor(person: Person) {
    this.person = person;
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.approveAll();
      await sleep(PAUSE_MS);
    }
  }

  private async approveAll(): Promise<void> {
    this.headers ??= await this.person.signIn();
    const headers = this.headers;
    if (!headers) return;
    const waiting = await this.person.ask<{ items: { id: string }[] }>('GET', '/approvals?status=pending&limit=100', headers);
    const decided = await Promise.all((waiting?.items ?? []).map(({ id }) => this.person.ask('POST', `/approvals/${id}/approve`, headers, {})));
    // Signed in too long ago, withdrawn meanwhile, or nobody answered: the next ones are decided in a new session.
    if (!waiting || decided.some((answer) => answer === undefined)) this.headers = undefined;
  }
}
