import { Module } from '@nestjs/common';
import { AccessPolicyModule } from '../access-policy/access-policy.module.js';
import { MfaModule } from '../mfa/mfa.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { AuthController } from './auth.controller.js';
import { BootstrapAdminVerifier } from './bootstrap-admin.verifier.js';
import { LogoutService } from './logout.service.js';
import { ReauthenticationService } from './reauthentication.service.js';
import { RegistrationService } from './registration.service.js';
import { SignInChallengeService } from './sign-in-challenge.service.js';
import { SignInChallengesRepository } from './sign-in-challenges.repository.js';
import { SignInCompletion } from './sign-in-completion.port.js';
import { SignInCompletionService } from './sign-in-completion.service.js';
import { SignInRepository } from './sign-in.repository.js';
import { SignInService } from './sign-in.service.js';

/** Signing in and out, registering, and the bootstrap administrator. */
@Module({
  imports: [AccessPolicyModule, MfaModule, SessionsModule, UsersModule],
  controllers: [AuthController],
  providers: [
    SignInRepository, SignInService, RegistrationService, LogoutService, BootstrapAdminVerifier, SignInChallengesRepository,
    SignInCompletionService,
    SignInChallengeService,
    ReauthenticationService,
    { provide: SignInCompletion, useExisting: SignInCompletionService },
  ],
  exports: [SignInCompletion],
})
export class IdentityAuthModule {}
