import { generateSync } from 'otplib';
import { withAdmin } from './databases.js';
import { ok, type SignedIn } from './factories.js';
import type { Plane } from './plane.js';

export interface WithFactor extends SignedIn {
  secret: string;
  recoveryCodes: string[];
}

/** The code of an authenticator, now or some steps of 30 s from now. */
export const codeOf = (secret: string, steps = 0): string => generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + steps * 30 });

/** Turns a second factor on for a user who has just signed in. */
export async function enableMfa(plane: Plane, user: SignedIn): Promise<WithFactor> {
  const { secret } = await ok(plane.request<{ secret: string }>('POST', '/api/v1/auth/mfa/setup', { token: user.token }));
  const body = { code: codeOf(secret) };
  const { recovery_codes: recoveryCodes } = await ok(plane.request<{ recovery_codes: string[] }>('POST', '/api/v1/auth/mfa/verify', { token: user.token, body }));
  return { ...user, secret, recoveryCodes };
}

/** A code that was not used yet: as if the clock had gone on since the last one. */
export async function freshCode(plane: Plane, user: WithFactor): Promise<string> {
  await withAdmin((admin) => admin.query('update user_mfa set last_step = 0 where user_id = $1', [user.id]), plane.database.name);
  return codeOf(user.secret);
}

/** Makes the session look as if its person had signed in some minutes ago. */
export async function ageSignIn(plane: Plane, user: SignedIn, minutes: number): Promise<void> {
  await withAdmin((admin) => admin.query('update sessions set authenticated_at = now() - make_interval(mins => $2) where user_id = $1', [user.id, minutes]), plane.database.name);
}
