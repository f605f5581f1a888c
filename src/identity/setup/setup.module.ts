import { Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { SetupController } from './setup.controller.js';
import { SetupRepository } from './setup.repository.js';
import { SetupService } from './setup.service.js';

/** The first start of an installation. */
@Module({
  imports: [SessionsModule, UsersModule],
  controllers: [SetupController],
  providers: [SetupRepository, SetupService],
  exports: [SetupService],
})
export class SetupModule {}
