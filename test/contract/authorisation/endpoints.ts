import { someAddress, unique } from '../../support/factories.js';
import type { RunningPlane } from '../../support/requests.js';
import { must, type Side, type Tenant } from './callers.js';
import type { Ids } from './ids.js';

/** Paths of webhooks that receive, and of what they were sent. */
export const OF_ENDPOINTS = /^\/webhook\/\{slug\}|\/webhooks\/\{id\}\/payloads/;

interface Made {
  id: string;
  slug: string;
  payloadId: string;
}

/** Makes webhooks that receive; what one was sent is made by sending it something. */
export class Endpoints {
  private readonly shared = new Map<Side, Promise<Made>>();

  constructor(
    private readonly plane: RunningPlane,
    private readonly tenants: Record<Side, Tenant>,
    private readonly made: Record<Side, Ids>,
  ) {}

  async path(path: string, side: Side, fresh: boolean): Promise<string> {
    const found = (fresh ? undefined : this.shared.get(side)) ?? this.make(side);
    this.shared.set(side, found);
    const { id, slug, payloadId } = await found;
    return path.replace('{slug}', slug).replace('{id}', id).replace('{payload_id}', payloadId);
  }

  private async make(side: Side): Promise<Made> {
    const { id, url, secret } = await must<{ id: string; url: string; secret: string }>(this.plane, 'POST', '/api/v1/webhooks', this.tenants[side].admin, { name: unique('matrix') });
    const { id: payloadId } = await must<{ id: string }>(this.plane, 'POST', url, { 'x-gitlab-token': secret, 'x-forwarded-for': someAddress() }, { n: 1 });
    this.made[side].add(id).add(payloadId);
    return { id, slug: url.split('/').at(-1) ?? '', payloadId };
  }
}
