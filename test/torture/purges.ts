import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PurgeRow } from './checker/snapshot.ts';
import { runProgram } from './cli.ts';
import type { Cluster } from './cluster.ts';
import { HistoryWriter, now, type PurgedEntity, wasAccepted } from './history.ts';
import type { Person } from './person.ts';
import { Prng } from './prng.ts';
import { RecordedHttp } from './recorded-http.ts';

/** An agent or a tenant that is there to be purged. */
export interface Doomed {
  type: PurgedEntity;
  id: string;
  /** Stands in all that it brought. */
  mark: string;
}

export interface PurgesOptions {
  urls: readonly string[];
  folder: string;
  seed: number;
  person: Person;
  doomed: Doomed[];
}

/** A purge takes seconds; ms. */
const LIMIT_MS = 60_000;
/** Let the fault before be over; ms. */
const CALM_MS = 3_000;

/** What stays of a purged tenant (src/platform/erasure/tenant-tables.ts says why), and the purge itself. */
const KEPT = new Set(['audit_log', 'audit_leaves', 'audit_nodes', 'audit_trees', 'audit_checkpoints', 'audit_pushes', 'audit_holds', 'audit_restores', 'tenant_keys']);

/** Purges agents and tenants while they and all others work, and looks for what is left of them. */
export class Purges {
  private readonly options: PurgesOptions;
  private readonly http: RecordedHttp;
  private readonly done: (Doomed & { certificate: unknown })[] = [];
  /** Acknowledged, and not known to be done. */
  private readonly open = new Map<string, Doomed>();

  constructor(options: PurgesOptions) {
    this.options = options;
    const { urls, folder, seed } = options;
    this.http = new RecordedHttp({ client: 'purges', urls, headers: {}, history: new HistoryWriter(folder, 'purges'), prng: new Prng(seed, 17) });
  }

  /** The next one of its kind, until nothing is left of it; none when all have gone. */
  async purge(type: PurgedEntity): Promise<void> {
    const { doomed } = this.options;
    const index = doomed.findIndex((entity) => entity.type === type);
    const [entity] = index < 0 ? [] : doomed.splice(index, 1);
    if (!entity) return;
    await sleep(CALM_MS);
    const limit = now() + LIMIT_MS;
    const purgeId = await this.begin(entity, limit);
    if (purgeId === undefined) return;
    this.open.set(purgeId, entity);
    await this.finish(entity, purgeId, limit);
  }

  /** Waits for those that took longer. Whoever had begun one may have been killed, and the sequencer too. */
  async settle(limitMs: number): Promise<void> {
    const limit = now() + limitMs;
    for (const [id, entity] of this.open) await this.finish(entity, id, limit);
  }

  private async begin({ type, id }: Doomed, limit: number): Promise<string | undefined> {
    while (now() < limit) {
      const headers = await this.options.person.signIn();
      const body = { entity_type: type, entity_id: id, reason: 'torture' };
      const asked = await this.http.send('purge', { entity_type: type, entity_id: id }, { method: 'POST', path: '/compliance/purge', body, headers: headers ?? {} }, 20_000);
      if (wasAccepted(asked)) return (asked.body as { id: string }).id;
      await sleep(500);
    }
    return undefined;
  }

  private async finish(entity: Doomed, purgeId: string, limit: number): Promise<void> {
    let headers = await this.options.person.signIn();
    for (; now() < limit; headers = await this.headersAfter(headers)) {
      const purge = await this.options.person.ask<{ status: string; certificate: unknown }>('GET', `/compliance/purges/${purgeId}`, headers ?? {});
      if (purge?.status === 'done') {
        this.done.push({ ...entity, certificate: purge.certificate });
        this.open.delete(purgeId);
        await this.http.send('purged', { entity_id: entity.id }, { method: 'GET', path: `/compliance/purges/${purgeId}`, headers: headers ?? {} });
        return;
      }
    }
  }

  /** Of who could not sign in, of another try. */
  private async headersAfter(headers: Record<string, string> | undefined): Promise<Record<string, string> | undefined> {
    await sleep(200);
    return headers ?? (await this.options.person.signIn());
  }

  /** @returns the tenants that were purged: their logs can still be taken out */
  get tenants(): string[] {
    return this.done.filter(({ type }) => type === 'tenant').map(({ id }) => id);
  }

  /** Looks through every table for what the purged ones had brought. */
  async traces(cluster: Cluster): Promise<PurgeRow[]> {
    const tables = await cluster.query<{ name: string; of_tenant: boolean }>(
      `select format('%I.%I', n.nspname, c.relname) as name, n.nspname = 'public' and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id') as of_tenant
       from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') order by 1`,
    );
    return Promise.all(this.done.map(async ({ type, id, mark }) => ({ entity_id: id, traces: await placesOf(cluster, tables, { type, id, mark }) })));
  }

  /** @returns what `wheelhouse audit certificate` has against a certificate */
  async wrongCertificates(): Promise<string[]> {
    const answers = this.done.map(async ({ id, certificate }) => {
      const file = join(this.options.folder, '..', `certificate-${id}`);
      writeFileSync(file, JSON.stringify(certificate));
      const { code, output } = await runProgram(['audit', 'certificate', file]).ended;
      return code === 0 ? [] : [`${id}: ${output.trim()}`];
    });
    return (await Promise.all(answers)).flat();
  }
}

async function placesOf(cluster: Cluster, tables: readonly { name: string; of_tenant: boolean }[], { type, id, mark }: Doomed): Promise<string[]> {
  const places: string[] = [];
  const bytes = Buffer.from(mark).toString('hex');
  for (const { name, of_tenant: ofTenant } of tables) {
    const [found] = await cluster.query<{ n: number; one: string }>(`select count(*)::int as n, min(t::text) as one from ${name} t where position($1 in t::text) > 0 or position($2 in t::text) > 0`, [mark, bytes]);
    if (found?.n) places.push(`${name}, in ${found.n} rows (${found.one.slice(0, 600)}),`);
    if (type !== 'tenant' || !ofTenant || KEPT.has(name.replace('public.', ''))) continue;
    const [rows] = await cluster.query<{ n: number }>(`select count(*)::int as n from ${name} where tenant_id = $1`, [id]);
    if (rows?.n) places.push(`${name}, by ${rows.n} rows of the tenant,`);
  }
  return places;
}
