import { Injectable } from '@nestjs/common';
import type { Role } from '../../core/actor.js';
import { UsersRepository } from './users.repository.js';

/** What others may ask about the people of the running tenant. */
@Injectable()
export class UsersReader {
  constructor(private readonly repository: UsersRepository) {}

  /** Ids of accounts that are active: of those named, and of those with one of the roles. None of clients, who see the portal alone. */
  activeAmong(ids: readonly string[], roles: readonly Role[]): Promise<string[]> {
    return this.repository.activeAmong(ids, roles);
  }
}
