import { createHash, createHmac, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type CallHandler, type ExecutionContext, Injectable, Logger, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { TransactionHost } from '@nestjs-cls/transactional';
import type { Request, Response } from 'express';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { invalidField, Problem, type ProblemDocument } from '../../core/problem.js';
import { RequestContext } from '../context/request-context.js';
import { openAnswer, sealAnswer } from '../crypto/sealed-answer.js';
import { type SealedPlace, TenantCipher } from '../crypto/tenant-cipher.js';
import { OPERATION, type OperationMeta } from '../http/operation.decorator.js';
import { toProblem } from '../http/problem.filter.js';
import { IdempotencyRepository, type StoredRequest } from './idempotency.repository.js';

/** Pauses between the tries to store an answer whose work is done. */
const STORE_PAUSES_MS = [50, 200, 500];

const NOT_STORED = 'The answer to a request with an Idempotency-Key could not be stored.';

const KEY = /^[\x21-\x7e]{1,255}$/;

interface Attempt {
  key: string;
  keyHash: Buffer;
  requestHash: Buffer;
  tenantId: string;
  owner: string;
}

/**
 * `Idempotency-Key` on every POST (draft-ietf-httpapi-idempotency-key-header): the first answer is stored in the
 * transaction of the change and replayed for 24 hours. The transaction decides: either the change and its answer are
 * both there, or neither is.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  private readonly logger = new Logger(IdempotencyInterceptor.name);

  constructor(
    private readonly reflector: Reflector,
    private readonly context: RequestContext,
    private readonly transactions: TransactionHost,
    private readonly rows: IdempotencyRepository,
    private readonly cipher: TenantCipher,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = execution.switchToHttp().getRequest<Request>();
    const key = request.headers['idempotency-key'];
    if (request.method !== 'POST' || key === undefined) return next.handle();
    if (typeof key !== 'string' || !KEY.test(key)) throw invalidField('Idempotency-Key', 'format', 'must be 1 to 255 visible ASCII characters');
    const operation = this.reflector.get<OperationMeta>(OPERATION, execution.getHandler());
    if (operation.idempotency === 'none') return next.handle();
    return from(this.once(this.attemptOf(key, request), operation, execution.switchToHttp().getResponse<Response>(), next));
  }

  private async once(attempt: Attempt, operation: OperationMeta, response: Response, next: CallHandler): Promise<unknown> {
    if (this.context.tenantIdOrUndefined === undefined) this.context.set('tenantId', attempt.tenantId);
    const stored = await this.rows.begin(attempt.tenantId, attempt.keyHash, attempt.requestHash, attempt.owner);
    if (stored) {
      const replay = await this.resolve(attempt, stored);
      if (replay) return this.replay(attempt, replay, response);
    }
    const body = await this.perform(attempt, operation, response, next).catch(async (error: unknown) => {
      // What went wrong first is what the caller has to know.
      await this.remember(attempt, error).catch((cause: unknown) => this.logger.error({ err: cause }, NOT_STORED));
      throw error;
    });
    if (operation.idempotency === 'outside') await this.keep(attempt, response, body);
    return body;
  }

  /** @returns the stored answer; undefined when this request is now the first */
  private async resolve(attempt: Attempt, stored: StoredRequest): Promise<StoredRequest | undefined> {
    if (!stored.request_hash.equals(attempt.requestHash)) throw new Problem('idempotency_key_reused');
    if (stored.state === 'done') return stored;
    if (stored.expired && (await this.rows.takeOver(attempt.tenantId, attempt.keyHash, attempt.owner))) return undefined;
    throw new Problem('idempotency_in_progress', { retryAt: new Date(Date.now() + 1000) });
  }

  private async replay(attempt: Attempt, stored: StoredRequest, response: Response): Promise<unknown> {
    const status = stored.status ?? 200;
    const body: unknown = stored.body ? JSON.parse(await this.open(attempt, stored.body)) : null;
    response.setHeader('Idempotency-Replayed', 'true');
    if (status >= 400) {
      const { code, detail, errors, remedy, limit, current } = body as ProblemDocument;
      throw new Problem(code as Problem['code'], { detail, errors, remedy: remedy ?? undefined, limit: limit ?? undefined, current: current ?? undefined });
    }
    response.status(status);
    return body ?? undefined;
  }

  private perform(attempt: Attempt, operation: OperationMeta, response: Response, next: CallHandler): Promise<unknown> {
    if (operation.idempotency === 'outside') return lastValueFrom(next.handle(), { defaultValue: undefined });
    return this.transactions.withTransaction(async () => {
      const body: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      const kept = await this.rows.finish(attempt.tenantId, attempt.keyHash, attempt.owner, response.statusCode, await this.seal(attempt, body));
      // Another request took over while this one was stuck: its effect counts, this one's is rolled back.
      if (!kept) throw new Problem('idempotency_in_progress', { retryAt: new Date(Date.now() + 1000) });
      return body;
    });
  }

  /** A cookie is no part of what is stored: an answer that set one would be half an answer the next time, so it is not kept. */
  private async keep(attempt: Attempt, response: Response, body: unknown): Promise<void> {
    if (response.getHeader('set-cookie') === undefined) await this.store(attempt, response.statusCode, body);
    else await this.rows.abandon(attempt.tenantId, attempt.keyHash, attempt.owner).catch((cause: unknown) => this.logger.error({ err: cause }, NOT_STORED));
  }

  /**
   * Stores the answer of work that is done, whatever becomes of the storing: the caller gets its success. A row that
   * could not be finished stays `running`, so that a repetition is told to wait and does not do the work again at once.
   */
  private async store(attempt: Attempt, status: number, body: unknown): Promise<void> {
    for (const milliseconds of [...STORE_PAUSES_MS, undefined]) {
      try {
        await this.rows.finishAlone(attempt.tenantId, attempt.keyHash, attempt.owner, status, await this.seal(attempt, body));
        return;
      } catch (error) {
        if (milliseconds === undefined) this.logger.error({ err: error }, NOT_STORED);
        else await pause(milliseconds);
      }
    }
  }

  /** A refusal is an answer and is kept; a failure of ours is not, so that the caller may try again. */
  private async remember(attempt: Attempt, error: unknown): Promise<void> {
    const problem = toProblem(error);
    if (problem.code === 'idempotency_in_progress') return;
    if (problem.status >= 500 || problem.status === 429) await this.rows.abandon(attempt.tenantId, attempt.keyHash, attempt.owner);
    else await this.rows.finishAlone(attempt.tenantId, attempt.keyHash, attempt.owner, problem.status, await this.seal(attempt, problem.toDocument(null)));
  }

  /** Under the tenant's key as well: an Idempotency-Key may be a number that anyone can guess who has a dump. */
  private seal(attempt: Attempt, body: unknown): Promise<Buffer> {
    return this.cipher.seal(placeOf(attempt), sealAnswer(JSON.stringify(body ?? null), attempt.key, attempt.keyHash).toString('base64'));
  }

  private async open(attempt: Attempt, sealed: Buffer): Promise<string> {
    return openAnswer(Buffer.from(await this.cipher.open(placeOf(attempt), sealed), 'base64'), attempt.key, attempt.keyHash);
  }

  private attemptOf(key: string, request: Request): Attempt {
    const actor = this.context.actorOrUndefined;
    // Where nobody is asked who they are, a cookie may still say so: nobody gets the answer that was another's.
    const who = actor ? `${actor.kind}:${actor.id}` : `anonymous:${request.headers.cookie ?? ''}`;
    return {
      key,
      keyHash: createHash('sha256').update(JSON.stringify([who, key])).digest(),
      // Keyed, because the key itself is not stored: a plain hash of a body with a password could be tried against guesses.
      requestHash: createHmac('sha256', key).update(JSON.stringify([request.method, request.url, JSON.stringify(request.body ?? null)])).digest(),
      tenantId: this.context.tenantIdOrUndefined ?? OPERATOR_TENANT_ID,
      owner: randomUUID(),
    };
  }
}

const placeOf = ({ tenantId, keyHash }: Attempt): SealedPlace => ({ tenantId, row: `idempotency_keys/${keyHash.toString('hex')}/body` });
