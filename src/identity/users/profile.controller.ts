import { Body, Get, Post, Put } from '@nestjs/common';
import { ApiController, NO_CONTENT, Operation } from '../../platform/http/operation.decorator.js';
import { ChangePasswordDto } from './profile.dto.js';
import { ProfileService } from './profile.service.js';
import { UpdateProfileDto } from './users.dto.js';
import { toUserView, UserView } from './users.view.js';

@ApiController('auth', 'Identity / Users')
export class ProfileController {
  constructor(private readonly profile: ProfileService) {}

  /** Reads the own profile. For an API key it is its owner's. */
  @Get('me')
  @Operation({ id: 'getMe', allow: 'profile:read', returns: UserView, problems: ['not_found'] })
  async me(): Promise<UserView> {
    return toUserView(await this.profile.get());
  }

  /** Changes the own profile. Role and address are an administrator's to give. */
  @Put('me')
  @Operation({ id: 'updateMe', allow: 'profile:write', returns: UserView, problems: ['not_found', 'precondition_failed'] })
  async update(@Body() body: UpdateProfileDto): Promise<UserView> {
    return toUserView(await this.profile.update(body.full_name));
  }

  /** Changes the own password. It takes the current one, and ends all other sessions of the account at once. */
  @Post('change-password')
  @Operation({
    id: 'changePassword',
    allow: 'profile:write',
    returns: NO_CONTENT,
    problems: ['invalid_credentials', 'weak_password', 'conflict'],
    rateLimit: 'login',
    idempotency: 'outside',
    whileRestricted: ['password_expired'],
  })
  async changePassword(@Body() body: ChangePasswordDto): Promise<void> {
    await this.profile.changePassword(body);
  }
}
