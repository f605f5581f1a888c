import { isEmail } from 'class-validator';
import type { Role } from '../../core/actor.js';
import { normalEmail } from '../../core/email.js';
import { showsTwoFactors } from './provider-factors.js';
import type { SsoProvider } from './sso-provider.entity.js';

/** What a provider said about who signed in, checked and with its signature: claims of the ID token and of the userinfo. */
export interface SsoClaims {
  issuer: string;
  subject: string;
  amr: string[];
  idToken: string;
  all: Readonly<Record<string, unknown>>;
}

/** Both, and the ID token's word where they differ. An address and whether it was verified are of one source: the one's yes is not about the other's address. */
export function allClaims(idToken: Readonly<Record<string, unknown>>, userinfo: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { email, email_verified } = idToken['email'] === undefined ? userinfo : idToken;
  return { ...userinfo, ...idToken, email, email_verified };
}

/** The address of the person, when the provider has verified that it is theirs. */
export function verifiedEmail({ all }: SsoClaims): string | undefined {
  const email = normalEmail(all['email']);
  // Some providers write the boolean as text.
  const isVerified = all['email_verified'] === true || all['email_verified'] === 'true';
  return isVerified && typeof email === 'string' && email.length <= 254 && isEmail(email) ? email : undefined;
}

/** Whether a provider's allow-list of domains lets an address in. What is not known to be theirs is in no domain. */
export function isInDomains(domains: readonly string[], email: string | undefined): boolean {
  return domains.length === 0 || (email !== undefined && domains.includes(email.slice(email.lastIndexOf('@') + 1)));
}

export function displayName({ all }: SsoClaims, email: string): string {
  const name = all['name'];
  return typeof name === 'string' && /\S/.test(name) && name.isWellFormed() && !name.includes('\0') ? name.slice(0, 200) : email.slice(0, 200);
}

const RANK: readonly Role[] = ['admin', 'user', 'client'];

/**
 * The role that the provider's groups give: the highest of those that are mapped, or the default.
 * @returns undefined when groups say nothing here, null when they refuse the person
 */
export function roleOfGroups({ group_claim, role_mappings, default_role }: Pick<SsoProvider, 'group_claim' | 'role_mappings' | 'default_role'>, { all }: SsoClaims): Role | null | undefined {
  if (group_claim === null) return undefined;
  const groups = new Set(textsOf(all[group_claim]));
  const roles = role_mappings.filter(({ group }) => groups.has(group)).map(({ role }) => role);
  return RANK.find((role) => roles.includes(role)) ?? default_role;
}

/** Texts of a claim that is a list of them, or one alone. */
export function textsOf(claim: unknown): string[] {
  const list: unknown[] = Array.isArray(claim) ? claim : [claim];
  return list.filter((entry): entry is string => typeof entry === 'string').slice(0, 1_000);
}

const LONGEST_WAY = 32;

/** The ways of an `amr` claim in which somebody proved who they are. When they show two factors `mfa` is among them, also where that is not said. */
export function waysOf(claim: unknown): string[] {
  const ways = textsOf(claim).filter((way) => way.length <= LONGEST_WAY && /^[\w-]+$/.test(way)).slice(0, 20);
  return showsTwoFactors(ways) ? [...new Set([...ways, 'mfa'])] : ways;
}
