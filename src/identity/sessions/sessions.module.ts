import { Global, Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { CsrfTokens } from '../../platform/auth/csrf-tokens.port.js';
import { AccessPolicyModule } from '../access-policy/access-policy.module.js';
import { AccessTokenStrategy } from './access-token.strategy.js';
import { AccessTokenVerifier } from './access-token.verifier.js';
import { AccessTokensService } from './access-tokens.service.js';
import { OpenSessionsController } from './open-sessions.controller.js';
import { OpenSessionsRepository } from './open-sessions.repository.js';
import { OpenSessionsService } from './open-sessions.service.js';
import { OwnSessionsController } from './own-sessions.controller.js';
import { PendingSignIns } from './pending-sign-ins.port.js';
import { SessionCookieVerifier } from './session-cookie.verifier.js';
import { SessionCsrfTokens } from './session-csrf-tokens.js';
import { SessionLookups } from './session-lookup.js';
import { SessionUsage } from './session-usage.js';
import { SessionsCleaner } from './sessions.cleaner.js';
import { SessionsRepository } from './sessions.repository.js';
import { SessionsService } from './sessions.service.js';
import { SignInAttempts } from './sign-in-attempts.port.js';
import { SignInAttemptsService } from './sign-in-attempts.service.js';
import { SigningKey } from './signing-key.js';
import { UserSessions } from './user-sessions.port.js';

/** Sessions of people: access tokens, refresh tokens, cookies, and what they are worth now. Global for the one port that the access guard asks. */
@Global()
@Module({
  imports: [JwtModule.register({}), AccessPolicyModule],
  controllers: [OpenSessionsController, OwnSessionsController],
  providers: [
    SigningKey,
    AccessTokenStrategy,
    AccessTokensService,
    AccessTokenVerifier,
    SessionCookieVerifier,
    SessionLookups,
    SessionUsage,
    SessionsRepository,
    OpenSessionsRepository,
    OpenSessionsService,
    SessionsCleaner,
    PendingSignIns,
    { provide: SignInAttempts, useClass: SignInAttemptsService },
    { provide: CsrfTokens, useClass: SessionCsrfTokens },
    { provide: UserSessions, useClass: SessionsService },
  ],
  exports: [PendingSignIns, UserSessions, SignInAttempts, CsrfTokens],
})
export class SessionsModule {}
