import { hash, randomInt } from 'node:crypto';

const HOW_MANY = 10;
const GROUPS = 4;
const GROUP_LENGTH = 4;
/** Crockford's base 32: no letter looks like a digit. Sixteen characters are 80 random bits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Ten codes for the day on which the authenticator is lost. */
export const newRecoveryCodes = (): string[] => Array.from({ length: HOW_MANY }, newRecoveryCode);

const newRecoveryCode = (): string => Array.from({ length: GROUPS }, newGroup).join('-');
const newGroup = (): string => Array.from({ length: GROUP_LENGTH }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');

/** What is stored of a code. The person is part of it: the same search over all codes of a dump finds one person's at a time. */
export const hashRecoveryCode = (userId: string, code: string): Buffer => hash('sha256', `${userId} ${code.toLowerCase()}`, 'buffer');
