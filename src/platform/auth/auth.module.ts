import { Global, Module } from '@nestjs/common';
import { Passwords } from '../crypto/passwords.js';
import { RateLimits } from '../limits/rate-limits.js';
import { Authenticator } from './authenticator.js';
import { Browsers } from './browsers.js';

/** Finding out who calls, and how often they may. */
@Global()
@Module({ providers: [Authenticator, Browsers, RateLimits, Passwords], exports: [Authenticator, Browsers, RateLimits, Passwords] })
export class AuthModule {}
