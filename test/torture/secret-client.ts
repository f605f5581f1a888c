import { setTimeout as sleep } from 'node:timers/promises';
import { HistoryWriter, type OpOf, wasAccepted } from './history.ts';
import type { Person } from './person.ts';
import { Prng } from './prng.ts';
import { RecordedHttp } from './recorded-http.ts';

export interface SecretClientOptions {
  urls: readonly string[];
  folder: string;
  seed: number;
  person: Person;
}

export interface KnownSecret {
  id: string;
  name: string;
}

const SECRETS = 4;
const OPERATIONS = { reveal: 5, rotate: 4 };
/** In the end everything works again: so long for each secret. */
const LAST_TRIES = 40;

/** The one who keeps the secrets: gives them new values and looks at them, whatever becomes of the keys underneath. */
export class SecretClient {
  readonly secrets: KnownSecret[] = [];
  private readonly options: SecretClientOptions;
  private readonly prng: Prng;
  private readonly http: RecordedHttp;
  private headers: Record<string, string> | undefined;
  private count = 0;

  constructor(options: SecretClientOptions) {
    this.options = options;
    this.prng = new Prng(options.seed, 14);
    const { urls, folder } = options;
    this.http = new RecordedHttp({ client: 'secrets', urls, headers: {}, history: new HistoryWriter(folder, 'secrets'), prng: this.prng });
  }

  /** Before anything breaks. */
  async prepare(): Promise<void> {
    this.headers = await this.options.person.signIn();
    for (let number = 1; number <= SECRETS; number++) {
      const request = { name: `TORTURE_${number}`, value: this.newValue() };
      const made = await this.http.send('make-secret', request, { method: 'POST', path: '/secrets', body: request, ...this.as() });
      if (!wasAccepted(made)) throw new Error(`a secret could not be made: ${JSON.stringify(made.body)}`);
      this.secrets.push({ id: (made.body as { id: string }).id, name: request.name });
    }
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const secret = this.prng.pick(this.secrets);
      if (this.prng.weighted(OPERATIONS) === 'reveal') await this.reveal(secret);
      else await this.rotate(secret);
      await sleep(this.prng.between(20, 150));
    }
  }

  /** When all is over each must still be there. */
  async lookAgain(): Promise<void> {
    for (const secret of this.secrets) {
      for (let tries = 0; tries < LAST_TRIES; tries++) {
        if (wasAccepted(await this.reveal(secret, true))) break;
        await sleep(250);
      }
    }
  }

  private async reveal({ id }: KnownSecret, last = false): Promise<OpOf<'reveal'>> {
    this.headers ??= await this.options.person.signIn();
    const done = await this.http.send(
      'reveal',
      { secret_id: id, ...(last ? { last } : {}) },
      { method: 'POST', path: `/secrets/${id}/reveal`, body: { reason: 'torture' }, ...this.as() },
    );
    // Signed in too long ago: the next one signs in anew.
    if (done.status === 401 || done.status === 403) this.headers = undefined;
    return done;
  }

  private async rotate({ id }: KnownSecret): Promise<void> {
    const value = this.newValue();
    const done = await this.http.send('rotate-secret', { secret_id: id, value }, { method: 'POST', path: `/secrets/${id}/rotate`, body: { value }, ...this.as() });
    if (done.status === 401 || done.status === 403) this.headers = undefined;
  }

  private newValue(): string {
    this.count += 1;
    return `torture value ${this.count}`;
  }

  private as(): { headers: Record<string, string> } {
    return { headers: this.headers ?? {} };
  }
}
