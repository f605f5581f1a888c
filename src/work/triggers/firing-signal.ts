import { Injectable } from '@nestjs/common';

/** Says in this process that a firing waits. A hint: the runner looks by itself as well, in every process. */
@Injectable()
export class FiringSignal {
  private handler: (() => void) | undefined;

  onRaised(handler: () => void): void {
    this.handler = handler;
  }

  raise(): void {
    this.handler?.();
  }
}
