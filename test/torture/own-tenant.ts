import type { AdminClient } from '../../scripts/demo/admin-client.ts';
import { newSecret } from '../../scripts/demo/plane-process.ts';
import { Person } from './person.ts';
import { Prng } from './prng.ts';

/** A tenant with one administrator, signed in. */
export interface OwnTenant {
  id: string;
  person: Person;
  headers: Record<string, string>;
}

/** @param name also of its administrator's address; @param stream of the chances of its administrator */
export async function makeTenant(admin: AdminClient, name: string, { urls, seed }: { urls: readonly string[]; seed: number }, stream: number): Promise<OwnTenant> {
  const { id } = await admin.request<{ id: string }>('POST', '/tenants', { name, slug: `${name}-torture` });
  const person = await makeAdministrator(admin, { id, name }, { urls, seed }, stream);
  const headers = await person.signIn();
  if (!headers) throw new Error(`nobody can sign in to the tenant ${name}`);
  return { id, person, headers };
}

/** One more administrator of a tenant. @param name also of the address; @param stream of the chances */
export async function makeAdministrator(admin: AdminClient, { id, name }: { id: string; name: string }, { urls, seed }: { urls: readonly string[]; seed: number }, stream: number): Promise<Person> {
  const account = { email: `${name}@example.com`, password: newSecret() };
  await admin.request('POST', '/admin/users', { ...account, full_name: name, role: 'admin', tenant_id: id });
  return new Person(account, urls, new Prng(seed, stream));
}
