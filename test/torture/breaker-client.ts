import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminClient } from '../../scripts/demo/admin-client.ts';
import { BREAKER } from './checker/check-probes.ts';
import type { EffectsTarget } from './effects-target.ts';
import { makeTenant, type OwnTenant } from './own-tenant.ts';
import { Prng } from './prng.ts';

/** Calls that each of its runs makes at once. */
const AT_ONCE = 24;

/** Somebody whose runs call a target that is broken and stays so, all the time and from every process: behind a breaker. */
export class BreakerClient {
  readonly tenantId: string;
  private readonly tenant: OwnTenant;
  private readonly workflowId: string;
  private readonly prng: Prng;

  private constructor(tenant: OwnTenant, workflowId: string, seed: number) {
    this.tenantId = tenant.id;
    this.tenant = tenant;
    this.workflowId = workflowId;
    this.prng = new Prng(seed, 29);
  }

  static async make(admin: AdminClient, place: { urls: readonly string[]; seed: number }, target: EffectsTarget): Promise<BreakerClient> {
    const tenant = await makeTenant(admin, 'breakers', place, 28);
    const { person, headers } = tenant;
    const breaker = { ...BREAKER, target: `host:127.0.0.1:${target.port}` };
    const call = { key: 'call', type: 'http', on_error: 'continue', config: { url: target.url('/down') } };
    const steps = [{ key: 'each', type: 'map', config: { items: `[1..${AT_ONCE}]`, concurrency: AT_ONCE }, steps: [call] }];
    const made = await person.ask('POST', '/circuit-breakers', headers, breaker);
    const workflow = await person.ask<{ id: string }>('POST', '/workflows', headers, { name: 'calls', steps });
    if (!made || !workflow) throw new Error('the breaker could not be made');
    return new BreakerClient(tenant, workflow.id, place.seed);
  }

  async runUntil(isOver: () => boolean): Promise<void> {
    const { person, headers } = this.tenant;
    while (!isOver()) {
      await person.ask('POST', `/workflows/${this.workflowId}/run`, headers, {});
      await sleep(this.prng.between(200, 600));
    }
  }
}
