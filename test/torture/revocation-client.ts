import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CredentialKind, HistoryWriter, now } from './history.ts';
import type { Person } from './person.ts';
import { Prng } from './prng.ts';
import { RecordedHttp } from './recorded-http.ts';

export interface RevocationClientOptions {
  urls: readonly string[];
  folder: string;
  seed: number;
  person: Person;
}

const KINDS = { session: 2, 'api-key': 3, 'agent-token': 3, address: 2, breaker: 3 } satisfies Record<CredentialKind, number>;
const LANES = 4;
/** Sessions of an administrator last that long without a new sign-in; ms. */
const SIGN_IN_EVERY_MS = 120_000;

interface Credential {
  kind: CredentialKind;
  id: string;
  /** What its holder sends, and where. */
  headers: Record<string, string>;
  path: string;
  /** Sent with it; left out, it is read. */
  body?: object;
  /** What an administrator sends to end it. */
  end: { method: 'POST' | 'PUT' | 'DELETE'; path: string; body?: object; headers?: Record<string, string> };
}

/** Makes credentials, has them used at all processes at once, ends them in the midst of it, and has them used on. */
export class RevocationClient {
  private readonly options: RevocationClientOptions;
  private readonly prng: Prng;
  private readonly history: HistoryWriter;
  private admin: Record<string, string> | undefined;
  private signedInAt = 0;
  private round = 0;

  constructor(options: RevocationClientOptions) {
    this.options = options;
    this.prng = new Prng(options.seed, 13);
    this.history = new HistoryWriter(options.folder, 'revocations');
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.race(this.prng.weighted(KINDS));
      await sleep(this.prng.between(50, 400));
    }
  }

  private async race(kind: CredentialKind): Promise<void> {
    this.round += 1;
    const admin = await this.administrator();
    const credential = admin && (await this.issue(kind, admin));
    if (!admin || !credential) return;
    const race = { isOver: false };
    const using = Array.from({ length: LANES }, (_, lane) => this.use(credential, lane, race));
    await sleep(this.prng.between(100, 500));
    const { end } = credential;
    await this.http('end', admin).send('revoke', { credential: credential.id, kind }, { ...end });
    await sleep(this.prng.between(300, 1_500));
    race.isOver = true;
    await Promise.all(using);
  }

  private async use(credential: Credential, lane: number, race: { isOver: boolean }): Promise<void> {
    const http = this.http(`lane${lane}`, credential.headers, lane);
    while (!race.isOver) {
      await http.send('use', { credential: credential.id, kind: credential.kind }, { method: credential.body ? 'POST' : 'GET', path: credential.path, ...(credential.body ? { body: credential.body } : {}) });
      await sleep(this.prng.between(1, 25));
    }
  }

  private http(who: string, headers: Record<string, string>, stream = LANES): RecordedHttp {
    const { urls, seed } = this.options;
    return new RecordedHttp({ client: `race${this.round}-${who}`, urls, headers, history: this.history, prng: new Prng(seed + this.round, 100 + stream) });
  }

  private async administrator(): Promise<Record<string, string> | undefined> {
    if (!this.admin || now() - this.signedInAt > SIGN_IN_EVERY_MS) {
      this.admin = await this.options.person.signIn();
      this.signedInAt = now();
    }
    return this.admin;
  }

  /** Each is used from an address of its own: failures are counted by it. */
  private async issue(kind: CredentialKind, admin: Record<string, string>): Promise<Credential | undefined> {
    const { person } = this.options;
    const from = { 'x-forwarded-for': person.address() };
    const name = `race ${this.round}`;
    switch (kind) {
      case 'session':
        return this.session(await person.signIn(), from);
      case 'api-key': {
        const made = await person.ask<{ id: string; key: string }>('POST', '/security/api-keys', admin, { name, scopes: ['task:read'] });
        return made && { kind, id: made.id, headers: { 'x-api-key': made.key, ...from }, path: '/tasks?limit=1', end: { method: 'DELETE', path: `/security/api-keys/${made.id}` } };
      }
      case 'agent-token': {
        const made = await person.ask<{ id: string; token: string }>('POST', '/agents', admin, { name });
        return made && { kind, id: made.id, headers: { 'x-agent-token': made.token, ...from }, path: '/agent/boards', end: { method: 'POST', path: `/agents/${made.id}/rotate-token`, body: {} } };
      }
      case 'address':
        return this.address(admin, from['x-forwarded-for']);
      case 'breaker':
        return this.breaker(admin, from);
      default:
        return kind satisfies never;
    }
  }

  /** Claims of an agent that a breaker stands in front of, which is forced open. They name no board that there is: nothing is claimed. */
  private async breaker(admin: Record<string, string>, from: Record<string, string>): Promise<Credential | undefined> {
    const { person } = this.options;
    const name = `race-${this.round}`;
    const agent = await person.ask<{ id: string; token: string }>('POST', '/agents', admin, { name });
    const made = agent && (await person.ask<{ id: string }>('POST', '/circuit-breakers', admin, { name, target: `agent:${agent.id}` }));
    if (!agent || !made) return undefined;
    const headers = { 'x-agent-token': agent.token, ...from };
    return { kind: 'breaker', id: made.id, headers, path: '/agent/tasks/claim', body: { board_id: randomUUID() }, end: { method: 'POST', path: `/circuit-breakers/${name}/force-open`, body: {} } };
  }

  private async session(headers: Record<string, string> | undefined, from: Record<string, string>): Promise<Credential | undefined> {
    const list = headers && (await this.options.person.ask<{ items: { id: string; current: boolean }[] }>('GET', '/auth/sessions?limit=1', headers));
    const id = list?.items.find(({ current }) => current)?.id;
    if (!headers || id === undefined) return undefined;
    return { kind: 'session', id, headers: { ...headers, ...from }, path: '/tasks?limit=1', end: { method: 'DELETE', path: `/security/sessions/${id}` } };
  }

  /** A person whose address is shut out. Rules are replaced as a whole: not over what came in between. */
  private async address(admin: Record<string, string>, address: string): Promise<Credential | undefined> {
    const { person } = this.options;
    const headers = await person.signIn();
    const known = await person.ask<{ id: string; revision: number }>('GET', '/security/ip-rules', admin);
    if (!headers || !known) return undefined;
    const rules = [{ action: 'block', cidr: `${address}/32` }];
    return {
      kind: 'address',
      id: address,
      headers: { ...headers, 'x-forwarded-for': address },
      path: '/tasks?limit=1',
      end: { method: 'PUT', path: '/security/ip-rules', body: { rules }, headers: { 'if-match': `"${known.id}.${known.revision}"` } },
    };
  }
}
