import { IsIn, IsInt, IsNumber, IsOptional, IsString, Length, Matches, Max, MaxLength, Min, ValidateIf } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import type { BreakerScope } from './circuit-breaker.machine.js';

const LONGEST_NAME = 100;
const LONGEST_TARGET = 300;
const MOST_FAILURES = 1_000;
const LONGEST_WINDOW_SECONDS = 3_600;
const LONGEST_OPEN_SECONDS = 86_400;
const LONGEST_CALL_MS = 600_000;
const MOST_PROBES = 100;

const orNull = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined && value !== null);

/** A circuit breaker as it is to be. What is left out stays as it is, or is the default when it is made. */
export class SaveCircuitBreakerDto {
  /**
   * Its name, by which it is found again.
   * @example payments-api
   */
  @IsString()
  @Length(1, LONGEST_NAME)
  @Matches(/^[A-Za-z0-9][\w.:-]*$/, { message: 'name may have letters, digits and . : - _, and begins with a letter or a digit' })
  name!: string;

  /**
   * What it stands in front of: host:NAME (or NAME:PORT), tool:NAME, agent:ID, llm_provider:NAME or mcp_server:NAME. Without a
   * kind it is a host. It must be there when the breaker is made; another target closes the breaker.
   * @example "host:api.example.com"
   */
  @IfGiven()
  @IsString()
  @Length(1, LONGEST_TARGET)
  @Matches(/^[^\p{Cc}]*\S[^\p{Cc}]*$/u, { message: 'target must be one line of text' })
  target?: string;

  /**
   * Whose calls it counts and refuses: those of the tenant, or (operator) of all tenants. It stays what it is made as.
   * @example tenant
   */
  @IfGiven()
  @IsIn(['tenant', 'global'])
  scope?: BreakerScope;

  /**
   * Failures within the window that open it, over all processes. Null: not by their number. Default 5, or null where a rate is given.
   * @example 5
   */
  @orNull()
  @IsInt()
  @Min(1)
  @Max(MOST_FAILURES)
  failure_threshold?: number | null;

  /**
   * Share of failed calls that opens it, counted by each process. Default null.
   * @example 0.5
   */
  @orNull()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0.01)
  @Max(1)
  failure_rate?: number | null;

  /**
   * From how many milliseconds on a call is slow. Default null: none is. A call without an answer does not count when its caller waits less, and less than 10 s.
   * @example 5000
   */
  @orNull()
  @IsInt()
  @Min(1)
  @Max(LONGEST_CALL_MS)
  slow_call_ms?: number | null;

  /**
   * Share of slow calls that opens it, counted by each process. Default null.
   * @example 0.8
   */
  @orNull()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0.01)
  @Max(1)
  slow_call_rate?: number | null;

  /**
   * Calls in the window before a rate counts. Default 10.
   * @example 10
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(10_000)
  minimum_calls?: number;

  /**
   * Length of the window. Default 60.
   * @example 60
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(LONGEST_WINDOW_SECONDS)
  window_seconds?: number;

  /**
   * How long it stays open the first time. Default 30.
   * @example 30
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(LONGEST_OPEN_SECONDS)
  open_seconds?: number;

  /**
   * How many times as long it stays open each further time in a row. Default 2.
   * @example 2
   */
  @IfGiven()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(1)
  @Max(10)
  open_factor?: number;

  /**
   * No longer than this, but never less than open_seconds. Default 600.
   * @example 600
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(LONGEST_OPEN_SECONDS)
  max_open_seconds?: number;

  /**
   * Probes that may be under way at once while it is half open, over all processes. Default 1.
   * @example 3
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(MOST_PROBES)
  half_open_max?: number;

  /**
   * Probes that must succeed to close it. Default 1.
   * @example 2
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(MOST_PROBES)
  success_threshold?: number;
}

/** Why a person changes how a breaker stands. */
export class ForceCircuitBreakerDto {
  /**
   * Why, for those who look at the breaker.
   * @example "The provider has announced an outage."
   */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}
