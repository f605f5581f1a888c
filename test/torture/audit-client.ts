import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from './cli.ts';
import { HistoryWriter, wasAccepted } from './history.ts';
import type { Person } from './person.ts';
import { Prng } from './prng.ts';
import { RecordedHttp } from './recorded-http.ts';

export interface AuditClientOptions {
  urls: readonly string[];
  folder: string;
  seed: number;
  person: Person;
}

interface Checkpoint {
  size: number;
  note: string;
}

/** What `wheelhouse audit verify` said of an export. */
export interface OfflineVerdict {
  ok: boolean;
  text: string;
}

const LOOK_EVERY_MS = 700;

/** One who trusts nobody: notes checkpoints down while the run goes on, and in the end checks an export against them. */
export class AuditClient {
  private readonly options: AuditClientOptions;
  private readonly http: RecordedHttp;
  private readonly noted: Checkpoint[] = [];
  private headers: Record<string, string> | undefined;
  private keys = '';

  constructor(options: AuditClientOptions) {
    this.options = options;
    const { urls, folder, seed } = options;
    this.http = new RecordedHttp({ client: 'auditor', urls, headers: {}, history: new HistoryWriter(folder, 'auditor'), prng: new Prng(seed, 15) });
  }

  /** Before anything breaks: the public key, as it would be noted down on paper. */
  async prepare(): Promise<void> {
    this.headers = await this.options.person.signIn();
    const known = await this.options.person.ask<{ keys: string[] }>('GET', '/audit/public-key', this.headers ?? {});
    if (!known) throw new Error('the public key of the audit log could not be read');
    this.keys = known.keys.join('\n');
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.look();
      await sleep(LOOK_EVERY_MS);
    }
  }

  private async look(): Promise<void> {
    this.headers ??= await this.options.person.signIn();
    const done = await this.http.send('checkpoint', {}, { method: 'GET', path: '/audit/checkpoints?limit=1', headers: this.headers ?? {} });
    if (done.status === 401) this.headers = undefined;
    const [checkpoint] = wasAccepted(done) ? (done.body as { items: Checkpoint[] }).items : [];
    if (checkpoint) this.noted.push(checkpoint);
  }

  /** Exports, checked with no server and no database: the own one against the first and the last checkpoint that were noted. @param tenants others, whose logs the operator may take out */
  async verifyOffline(tenants: readonly string[]): Promise<OfflineVerdict[]> {
    const verdicts: OfflineVerdict[] = [];
    for (const checkpoint of [this.noted.at(0), this.noted.at(-1)]) verdicts.push(await this.verify('', checkpoint?.note));
    for (const tenant of tenants) verdicts.push(await this.verify(`?tenant_id=${tenant}`, undefined));
    return verdicts;
  }

  private async verify(query: string, note: string | undefined): Promise<OfflineVerdict> {
    const { person, urls } = this.options;
    const headers = await person.signIn();
    const response = await fetch(`${urls[0]}/api/v1/audit/export${query}`, { headers: headers ?? {} });
    const text = await response.text();
    if (!response.ok) return { ok: false, text: `the export was refused: ${response.status} ${text}` };
    const known = note === undefined ? [] : ['--checkpoint', this.file('audit-checkpoint', note)];
    const { code, output } = await runProgram(['audit', 'verify', this.file('audit-bundle', text), '--key', this.file('audit-key', this.keys), ...known]).ended;
    return { ok: code === 0, text: output.trim() };
  }

  private file(name: string, content: string): string {
    const path = join(this.options.folder, '..', name);
    writeFileSync(path, content);
    return path;
  }
}
