import { Global, Module } from '@nestjs/common';
import { Passwords } from '../crypto/passwords.js';
import { RateLimits } from '../limits/rate-limits.js';
import { Authenticator } from './authenticator.js';
import { Browsers } from './browsers.js';
import { CallerWatch } from './caller-watch.js';
import { Guesses } from './guesses.js';

/** Finding out who calls, and how often they may. */
@Global()
@Module({ providers: [Authenticator, Browsers, CallerWatch, Guesses, RateLimits, Passwords], exports: [Authenticator, Browsers, CallerWatch, Guesses, RateLimits, Passwords] })
export class AuthModule {}
