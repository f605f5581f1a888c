import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { roleOf } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { Revocations } from '../cache/revocations.js';
import { RequestContext } from '../context/request-context.js';
import { Authenticator } from './authenticator.js';
import { Browsers } from './browsers.js';
import { revocationTagsOf } from './revocation-tags.js';

interface Watched {
  tags: readonly string[];
  lookAgain: () => Promise<void>;
}

/**
 * Watches over the callers of requests that wait: the check that let them in is seconds old by the time something turns
 * up. When anything is revoked that their right rests on, in whatever process, it is checked again at once.
 */
@Injectable()
export class CallerWatch {
  private readonly watched = new Set<Watched>();

  constructor(
    private readonly context: RequestContext,
    private readonly authenticator: Authenticator,
    private readonly browsers: Browsers,
    revocations: Revocations,
  ) {
    revocations.onRevoked((tags) => {
      for (const { tags: own, lookAgain } of this.watched) if (own.some((tag) => tags.includes(tag))) void lookAgain();
    });
  }

  /**
   * @returns a signal that aborts when the client goes away before its answer was sent, and, with the refusal as its
   * reason, when the caller may no longer call
   */
  async watch(request: Request): Promise<AbortSignal> {
    const { actor } = this.context;
    const ip = this.context.get('ip');
    const controller = new AbortController();
    const lookAgain = async (): Promise<void> => {
      try {
        const still = await this.context.within({ tenantId: actor.tenantId, ip }, () => this.authenticator.authenticate(this.browsers.credentialOf(request)));
        if (still.id !== actor.id || roleOf(still) !== roleOf(actor)) throw new Problem('unauthenticated');
      } catch (error) {
        // What cannot be checked does not hold.
        controller.abort(error instanceof Problem ? error : new Problem('unavailable'));
      }
    };
    const watched = { tags: revocationTagsOf(actor), lookAgain };
    this.watched.add(watched);
    request.res?.once('close', () => {
      this.watched.delete(watched);
      controller.abort();
    });
    // A revocation between the guard's check and the line above found nobody to tell.
    await lookAgain();
    return controller.signal;
  }
}

/** @throws Problem when the signal was aborted by a refusal */
export function throwIfRefused(signal: AbortSignal): void {
  if (signal.reason instanceof Problem) throw signal.reason;
}
