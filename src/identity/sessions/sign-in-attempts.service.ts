import { createHash } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { networkOf } from '../../platform/networks/ip-ranges.js';
import { SecurityPolicies } from '../access-policy/security-policies.reader.js';
import { SignInAttempts, type Whence } from './sign-in-attempts.port.js';

/** After so long without an attempt the count begins anew; longer than the longest wait that a policy can ask for. */
const FORGET_AFTER_SECONDS = 900;
const CLEANER = 'sign-in-attempts-cleaner';
const HOURLY = '29 * * * *';

/** Keeps the count in the database, so that it is right across processes. */
@Injectable()
export class SignInAttemptsService extends SignInAttempts implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly database: SystemDatabase,
    private readonly policies: SecurityPolicies,
  ) {
    super();
  }

  onModuleInit(): void {
    this.jobs.define(CLEANER, () => this.forgetOld(), { retries: 2 });
    this.jobs.schedule(CLEANER, HOURLY);
  }

  async admit(subject: string, from: Whence, tenantId: string = OPERATOR_TENANT_ID): Promise<void> {
    const { free_attempts: free, longest_wait_seconds: longestWait } = (await this.policies.of(tenantId)).lockout;
    const admitted = await this.database.query(
      `with everywhere as (
         insert into sign_in_attempts as a (subject, failures) values ($1, 1)
         on conflict (subject) do update set failures = case when a.last_at < now() - make_interval(secs => $5) then 1 else a.failures + 1 end, last_at = now()
         returning failures
       ), here as (
         select case when failures > $3 and not $6 then now() + make_interval(secs => $4) end as locked_until from everywhere
       )
       insert into sign_in_attempts as a (subject, failures, locked_until) select $2, 1, locked_until from here
       on conflict (subject) do update set (failures, locked_until, last_at) = (
         select n, greatest(excluded.locked_until, case when n >= $3 then now() + make_interval(secs => least($4::float8, power(2, least(n - $3, 30)))) end), now()
         from (select case when a.last_at < now() - make_interval(secs => $5) then 1 else a.failures + 1 end as n) as next
       ) where a.locked_until is null or a.locked_until <= now() returning 1`,
      [digest(subject), digest(hereOf(subject, from)), free, longestWait, FORGET_AFTER_SECONDS, from.isKnown],
    );
    if (admitted.length === 0) throw await this.refusal(hereOf(subject, from), free);
  }

  async clear(subject: string, from: Whence): Promise<void> {
    await this.database.execute('delete from sign_in_attempts where subject = any($1)', [[digest(subject), digest(hereOf(subject, from))]]);
  }

  private async forgetOld(): Promise<void> {
    await this.database.execute('delete from sign_in_attempts where last_at < now() - make_interval(secs => $1)', [FORGET_AFTER_SECONDS]);
  }

  private async refusal(subject: string, free: number): Promise<Problem> {
    const [row] = await this.database.query<{ wait: number }>(
      'select extract(epoch from locked_until - now())::float8 as wait from sign_in_attempts where subject = $1',
      [digest(subject)],
    );
    const waitMs = Math.max(1, row?.wait ?? 1) * 1000;
    return new Problem('rate_limited', {
      detail: 'Too many failed attempts.',
      retryAt: new Date(Date.now() + waitMs),
      limit: free,
    });
  }
}

const hereOf = (subject: string, { ip }: Whence): string => `${subject}:${networkOf(ip)}`;

/** Addresses stay out of the table. */
const digest = (subject: string): Buffer => createHash('sha256').update(subject).digest();
