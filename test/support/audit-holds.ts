import { EMPTY_ROOT } from '../../src/core/audit/merkle.js';
import { eventually } from './eventually.js';
import { ok } from './factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane } from './plane.js';

export interface Hold {
  tenant_id: string;
  kind: string;
  detail: string;
  size: number;
  root: string | null;
  mark: { size: number | null; root: string | null; key: string | null; verified: boolean; note: string } | null;
}

export interface Acceptance {
  size?: number;
  root?: string | null;
  reason?: string;
}

export const holdsOf = async (plane: Plane, token = ADMIN_TOKEN): Promise<Hold[]> => (await ok(plane.request<{ items: Hold[] }>('GET', '/api/v1/audit/holds?limit=100', { token }))).items;

export const holdOf = (plane: Plane, tenantId: string): Promise<Hold> => eventually(async () => (await holdsOf(plane)).find((hold) => hold.tenant_id === tenantId));

/** Accepts a held log as the operator sees it now. @param change of what is said of it */
export async function acceptHold(plane: Plane, tenantId: string, { token = ADMIN_TOKEN, ...change }: Acceptance & { token?: string } = {}): Promise<ApiResponse> {
  const { size, root } = (await holdsOf(plane)).find((hold) => hold.tenant_id === tenantId) ?? { size: 0, root: null };
  const body = { size, root: root ?? EMPTY_ROOT.toString('base64'), reason: 'a restore that was meant', ...change };
  return plane.request('POST', `/api/v1/audit/holds/${tenantId}/accept`, { token, body });
}
