import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { UsersModule } from '../../identity/users/users.module.js';
import { erasable } from '../../platform/erasure/erasable.js';
import { IntakeCleaner } from './intake.cleaner.js';
import { IntakeController } from './intake.controller.js';
import { INTAKE_CONTENT } from './intake.erasure.js';
import { IntakeRepository } from './intake.repository.js';
import { IntakeService } from './intake.service.js';
import { IntakeSubmission } from './intake-submission.entity.js';

/** The form of those who want to become a tenant. */
@Module({
  imports: [TypeOrmModule.forFeature([IntakeSubmission]), UsersModule],
  controllers: [IntakeController],
  providers: [IntakeRepository, IntakeService, IntakeCleaner, erasable({ ofTenants: INTAKE_CONTENT })],
})
export class IntakeModule {}
