import { isId } from '../../../core/ids.js';

const ROLES = ['admin', 'user'] as const;

/** People of the tenant, by their ids and by what they are. */
export interface NamedPeople {
  users: string[];
  roles: (typeof ROLES)[number][];
}

/** Whom a step names: ids of users and names of roles, alone, in a list, or in lists called `users` and `roles`. @returns also what is neither */
export function namedPeople(value: unknown): NamedPeople & { unknown: unknown[] } {
  const named = (typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.values(value).flat() : [value].flat()) as unknown[];
  const users = named.filter((name): name is string => isId(name));
  const roles = ROLES.filter((role) => named.includes(role));
  return { users, roles, unknown: named.filter((name) => !isId(name) && !ROLES.some((role) => role === name)) };
}
