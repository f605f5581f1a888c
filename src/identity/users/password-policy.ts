import { type FieldError, Problem } from '../../core/problem.js';
import { COMMON_PASSWORDS } from './common-passwords.js';

const LONGEST = 256;
/** A unit of so many characters, said again and again, is no password. */
const LONGEST_REPEATED_UNIT = 4;
const PRODUCT_NAME = 'wheelhouse';

/** Characters that people put for letters. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'l',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/** What a new password is held against. */
export interface PasswordRules {
  /** Address of the account: a password made of it is refused. */
  email: string;
  minLength: number;
  /** The password it replaces. */
  current?: string;
}

/**
 * Holds a new password against the policy (NIST SP 800-63B, 3.1.1.2): its length, and lists of what people guess first;
 * no rules about kinds of characters.
 * @param field name of the request's field
 * @throws Problem `weak_password` that names the field and every rule that is broken
 */
export function checkPassword(password: string, field: string, rules: PasswordRules): void {
  const errors = brokenRules(password.normalize('NFKC'), { ...rules, current: rules.current?.normalize('NFKC') }).map(
    ([code, message]): FieldError => ({ field, code, message: `${field} ${message}` }),
  );
  if (errors.length === 0) return;
  throw new Problem('weak_password', { detail: errors[0]?.message, errors, remedy: `Use ${rules.minLength} to ${LONGEST} characters, and no common password.` });
}

/** @throws Problem `weak_password` that says how many earlier passwords are not taken again */
export function refuseReused(field: string, history: number): never {
  const message = `${field} must not be one of the last ${history} passwords before the current one`;
  throw new Problem('weak_password', { detail: message, errors: [{ field, code: 'reused', message }], remedy: 'Choose a password that this account never had.', limit: history });
}

function brokenRules(password: string, { email, current, minLength }: PasswordRules): [code: string, message: string][] {
  const characters = Array.from(password);
  const broken: [string, string][] = [];
  if (characters.length < minLength) broken.push(['too_short', `must have at least ${minLength} characters`]);
  if (characters.length > LONGEST) return [['too_long', `must have at most ${LONGEST} characters`]];
  if (isRepetition(password) || isRun(characters)) broken.push(['repetitive', 'must not be one pattern repeated or a run of characters']);
  else if (isCommon(password)) broken.push(['common', 'must not be a common password, nor one with digits put behind it']);
  if (isMadeOf(password, email)) broken.push(['personal', 'must not be made of the e-mail address']);
  if (password === current) broken.push(['unchanged', 'must differ from the current password']);
  return broken;
}

function isCommon(password: string): boolean {
  const plain = password.toLowerCase();
  const stem = stemOf(plain);
  return [plain, stem, undisguised(plain), stemOf(undisguised(stem))].some((form) => COMMON_PASSWORDS.has(form) || form === PRODUCT_NAME);
}

/** Without the digits and signs that people put behind a word, and a letter behind those. */
const stemOf = (password: string): string => password.replace(/[\d\W_]+[a-z]?$/, '');

const undisguised = (password: string): string => Array.from(password, (character) => LOOKALIKES[character] ?? character).join('');

function isMadeOf(password: string, email: string): boolean {
  const address = email.toLowerCase();
  const [local = '', domain = ''] = address.split('@');
  const plain = password.toLowerCase();
  const forms = [plain, stemOf(plain)].filter(Boolean);
  return forms.some(
    (form) => form === address || form === local || form === domain || form === domain.split('.')[0] || form === stemOf(local),
  );
}

/** Whether it is a unit of up to four characters repeated, the last one perhaps cut off. */
function isRepetition(password: string): boolean {
  for (let unit = 1; unit <= LONGEST_REPEATED_UNIT && unit < password.length; unit += 1) {
    if (
      password ===
      password
        .slice(0, unit)
        .repeat(Math.ceil(password.length / unit))
        .slice(0, password.length)
    )
      return true;
  }
  return false;
}

/** Whether each character follows the one before it: `abcdefgh`, `87654321`. */
function isRun(characters: readonly string[]): boolean {
  const codes = characters.map((character) => character.codePointAt(0) ?? 0);
  const steps = new Set(codes.slice(1).map((code, index) => code - (codes[index] ?? 0)));
  return steps.size === 1 && (steps.has(1) || steps.has(-1));
}
