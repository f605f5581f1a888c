import { Module } from '@nestjs/common';
import { AccessPolicyModule } from '../access-policy/access-policy.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { MfaController } from './mfa.controller.js';
import { MfaRepository } from './mfa.repository.js';
import { MfaResetController } from './mfa-reset.controller.js';
import { MfaService } from './mfa.service.js';
import { SecondFactors } from './second-factors.port.js';
import { SecondFactorsService } from './second-factors.service.js';

/** Second factors: codes of an authenticator, and recovery codes. */
@Module({
  imports: [AccessPolicyModule, SessionsModule, UsersModule],
  controllers: [MfaController, MfaResetController],
  providers: [MfaRepository, SecondFactorsService, MfaService, { provide: SecondFactors, useExisting: SecondFactorsService }],
  exports: [SecondFactors],
})
export class MfaModule {}
