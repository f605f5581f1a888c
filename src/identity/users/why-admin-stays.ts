import { Problem } from '../../core/problem.js';
import type { UsersRepository } from './users.repository.js';

/**
 * Why an account must stay an active administrator, whoever would change that: an administrator, or groups at a provider.
 * @param admins the tenant's active administrators, locked
 * @returns Problem `last_admin` or `conflict`, or undefined when nothing speaks against it
 */
export async function whyAdminStays(users: UsersRepository, id: string, admins: readonly string[]): Promise<Problem | undefined> {
  if (admins.length === 1 && admins[0] === id) return new Problem('last_admin', { limit: 1, current: 1 });
  if (!(await users.breaksGlass(id))) return undefined;
  return new Problem('conflict', { detail: 'This is the break-glass account of the tenant, which enforces single sign-on.', remedy: 'Name another one in PUT /security first.' });
}
