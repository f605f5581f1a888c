import { Delete, Param } from '@nestjs/common';
import { ApiController, NO_CONTENT, Operation } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { MfaService } from './mfa.service.js';

@ApiController('admin/users', 'Identity / Second factor')
export class MfaResetController {
  constructor(private readonly mfa: MfaService) {}

  /**
   * Takes away the second factor of a user who lost it, and ends all sessions of that user. It takes a sign-in of the
   * administrator within the last five minutes.
   */
  @Delete(':id/mfa')
  @Operation({ id: 'resetMfa', allow: 'user:write', returns: NO_CONTENT, problems: ['not_found', 'fresh_sign_in_required', 'mfa_not_enabled'] })
  async reset(@Param('id', Uuid) id: string): Promise<void> {
    await this.mfa.reset(id);
  }
}
