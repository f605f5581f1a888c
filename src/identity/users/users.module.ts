import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SessionsModule } from '../sessions/sessions.module.js';
import { AccessPolicyModule } from '../access-policy/access-policy.module.js';
import { AccountsService } from './accounts.service.js';
import { OwnPassword } from './own-password.port.js';
import { OwnPasswordService } from './own-password.service.js';
import { ProfileController } from './profile.controller.js';
import { ProfileService } from './profile.service.js';
import { UserAccounts } from './user-accounts.port.js';
import { User } from './user.entity.js';
import { UsersReader } from './users.reader.js';
import { UsersController } from './users.controller.js';
import { UsersRepository } from './users.repository.js';
import { UsersService } from './users.service.js';

/** People: what administrators and they themselves do with their accounts. */
@Module({
  imports: [TypeOrmModule.forFeature([User]), SessionsModule, AccessPolicyModule],
  controllers: [UsersController, ProfileController],
  providers: [UsersRepository, UsersReader, UsersService, ProfileService, { provide: UserAccounts, useClass: AccountsService }, { provide: OwnPassword, useClass: OwnPasswordService }],
  exports: [UserAccounts, OwnPassword, UsersReader],
})
export class UsersModule {}
