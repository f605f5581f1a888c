import { hash } from 'node:crypto';
import type { Role } from '../../core/actor.js';
import type { UserView } from './users.view.js';

/** A new account; the password as the person typed it. */
export interface NewAccount {
  email: string;
  password: string;
  full_name: string;
  role: Role;
}

/** An account that is ready to be written: the password checked and hashed. */
export interface PreparedAccount extends Omit<NewAccount, 'password'> {
  id: string;
  passwordHash: string;
}

/** A digest of the password hash that a password was right against: it shows later that the password is still the same. */
export const passwordProof = (passwordHash: string): Buffer => hash('sha256', passwordHash, 'buffer');

/** The accounts of people, as signing in and setting up use them. All but `prepare` act for the context's tenant. */
export abstract class UserAccounts {
  /**
   * Checks the password against the policy and hashes it; outside of a transaction, because hashing takes long.
   * @throws Problem `weak_password`
   */
  abstract prepare(account: NewAccount): Promise<PreparedAccount>;
  /** Writes the account and its audit row in the running transaction. @throws Problem `email_taken` */
  abstract add(account: PreparedAccount): Promise<UserView>;
  /**
   * Writes the first account of a tenant that is made in the same transaction. The caller audits it as the operator's act: the tenant has no
   * key yet that a row of its own could be sealed under. @throws Problem `email_taken`
   */
  abstract addFirst(account: PreparedAccount): Promise<UserView>;
  /**
   * Writes an account that signs in elsewhere, and its audit row, in the running transaction: nobody signs in to it with a password.
   * @throws Problem `email_taken`; the transaction can go on to nothing but its end
   */
  abstract addWithoutPassword(account: Omit<NewAccount, 'password'>): Promise<UserView>;
  /**
   * Gives an account another role in the running transaction, from its next request on. The last administrator stays one.
   * @param detail why, for the audit row
   */
  abstract giveRole(id: string, role: Role, detail: object): Promise<UserView>;
  /** In the running transaction. */
  abstract get(id: string): Promise<UserView>;
  /**
   * Notes a sign-in in the running transaction; undefined when the account is disabled, or its password has changed since
   * it was checked.
   * @param proof of the password that was checked; null when something else was
   */
  abstract signedIn(id: string, proof: Buffer | null): Promise<UserView | undefined>;
}
