import { Injectable } from '@nestjs/common';

type Forget = (userId: string) => Promise<void>;

/**
 * What a person began and has not ended: challenges, codes of a provider. Whoever ends all sessions of the person ends these
 * with them, or the thief's next session would be waiting there already.
 */
@Injectable()
export class PendingSignIns {
  private readonly kinds: Forget[] = [];

  /** @param forget removes one kind of them, of a user of the context's tenant, in the running transaction */
  register(forget: Forget): void {
    this.kinds.push(forget);
  }

  /** In the running transaction. */
  async forget(userId: string): Promise<void> {
    for (const forget of this.kinds) await forget(userId);
  }
}
