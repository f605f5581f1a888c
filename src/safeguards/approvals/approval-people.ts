import { Injectable } from '@nestjs/common';
import { isId } from '../../core/ids.js';
import { invalidField, Problem } from '../../core/problem.js';
import { UserAccounts } from '../../identity/users/user-accounts.port.js';
import { APPROVER_ROLES, type Approvers } from './approval.entity.js';

/** Looks at the people that somebody names as approvers: what nobody could approve is refused at once. */
@Injectable()
export class ApprovalPeople {
  constructor(private readonly users: UserAccounts) {}

  /**
   * @param requester who may not approve
   * @throws Problem `invalid_request` when one of them may not decide, or they are fewer than it needs
   */
  async check(field: string, approvers: Approvers | undefined, needed: number, requester = ''): Promise<void> {
    const { users = [], roles = [] } = approvers ?? {};
    for (const id of users) {
      if (!isId(id) || !(await this.mayDecide(id))) throw invalidField(field, 'not_found', `names ${id}, who is no user that may decide`);
    }
    if (!roles.every((role) => APPROVER_ROLES.includes(role))) throw invalidField(field, 'unknown', `names a role that is none of ${APPROVER_ROLES.join(', ')}`);
    const possible = users.filter((id) => `user:${id}` !== requester).length;
    if (users.length > 0 && roles.length === 0 && possible < needed) throw invalidField(field, 'too_few', `names ${possible} who may approve, and it needs ${needed}`);
  }

  private async mayDecide(userId: string): Promise<boolean> {
    try {
      const { role, is_active } = await this.users.get(userId);
      return is_active && role !== 'client';
    } catch (error) {
      if (error instanceof Problem && error.code === 'not_found') return false;
      throw error;
    }
  }
}
