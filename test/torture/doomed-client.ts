import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminClient } from '../../scripts/demo/admin-client.ts';
import { newSecret } from '../../scripts/demo/plane-process.ts';
import { HistoryWriter } from './history.ts';
import { Person } from './person.ts';
import { Prng } from './prng.ts';
import type { Doomed } from './purges.ts';
import { RecordedHttp } from './recorded-http.ts';

export interface DoomedClientOptions {
  urls: readonly string[];
  folder: string;
  seed: number;
  name: string;
}

/** Somebody in a tenant that will be purged, who works there until nobody lets him any more. */
export class DoomedClient {
  readonly entity: Doomed;
  private readonly http: RecordedHttp;
  private readonly prng: Prng;

  private constructor(options: DoomedClientOptions, entity: Doomed, headers: Record<string, string>) {
    this.entity = entity;
    this.prng = new Prng(options.seed, 18);
    this.http = new RecordedHttp({ client: options.name, urls: options.urls, headers, history: new HistoryWriter(options.folder, options.name), prng: this.prng });
  }

  /** Makes the tenant with an administrator and something in every corner. */
  static async make(admin: AdminClient, options: DoomedClientOptions): Promise<DoomedClient> {
    const mark = `to-be-purged-${newSecret().toLowerCase().replaceAll('_', '-')}`;
    const { id } = await admin.request<{ id: string }>('POST', '/tenants', { name: mark, slug: `t-${options.name}` });
    const account = { email: `${options.name}@example.com`, password: newSecret() };
    await admin.request('POST', '/admin/users', { ...account, full_name: mark, role: 'admin', tenant_id: id });
    const person = new Person(account, options.urls, new Prng(options.seed, 19));
    const headers = await person.signIn();
    if (!headers) throw new Error('nobody can sign in to the new tenant');
    for (const [path, body] of [['/boards', { name: mark }], ['/agents', { name: mark, description: mark }], ['/secrets', { name: 'DOOMED', value: mark, description: mark }]] as const) {
      if (!(await person.ask('POST', path, headers, body))) throw new Error(`${path} could not be filled`);
    }
    // Failures are counted by address.
    return new DoomedClient(options, { type: 'tenant', id, mark }, { ...headers, 'x-forwarded-for': person.address() });
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    let refusals = 0;
    while (!isOver() && refusals < 20) {
      const done = await this.http.send('doomed', { tenant_id: this.entity.id }, { method: 'POST', path: '/tasks', body: { title: this.entity.mark, payload: { text: this.entity.mark } } });
      if (done.status === 401 || done.status === 403) refusals += 1;
      await sleep(this.prng.between(20, 120));
    }
  }
}
