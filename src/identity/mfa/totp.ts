import { generateSecret, generateURI, verifySync } from 'otplib';

const ISSUER = 'Wheelhouse';
const SECRET_BYTES = 20;
const STEP_SECONDS = 30;

/** A new shared secret: 160 random bits, in base 32. */
export const newSecret = (): string => generateSecret({ length: SECRET_BYTES });

/** The address that an authenticator takes in, as a QR code shows it. */
export const otpauthUrl = (secret: string, account: string): string => generateURI({ issuer: ISSUER, label: account, secret });

/**
 * The time step of which `code` is the code (RFC 6238): now, the one before, or the one after, for clocks that are not quite right.
 * @param code six digits
 * @returns undefined when it is of none of them
 */
export function stepOf(secret: string, code: string, now: Date): number | undefined {
  const result = verifySync({ secret, token: code, epoch: Math.floor(now.getTime() / 1000), epochTolerance: STEP_SECONDS });
  return result.valid && 'timeStep' in result ? result.timeStep : undefined;
}
