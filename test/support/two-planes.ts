import type { ApiResponse } from './requests.js';
import { type Plane, startPlane } from './plane.js';

/** Two processes' worth of planes on one database, for what has to hold in both: one set for each suite. */
export let plane: Plane;
export let second: Plane;

/** @param environment of the first @param ofSecond of the second alone */
export async function startTwo(environment: Record<string, string> = {}, ofSecond: Record<string, string> = {}): Promise<void> {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback', ...environment } });
  second = await startPlane({ database: plane.database, environment: { TRUST_PROXY: 'loopback', ...ofSecond } });
}

export async function stopTwo(): Promise<void> {
  await second.stop();
  await plane.stop();
}

export const me = (token: string, at: Plane = plane): Promise<ApiResponse> => at.request('GET', '/api/v1/auth/me', { token });
