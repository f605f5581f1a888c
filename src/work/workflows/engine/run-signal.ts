import { Injectable } from '@nestjs/common';
import { DatabaseListener } from '../../../platform/database/listener.js';

const CHANNEL = 'wheelhouse_runs';
const AT_MOST_EVERY_MS = 5;

/** Wakes those who move runs on, in all processes, at most every 5 ms. A hint: they also look by themselves. */
@Injectable()
export class RunSignal {
  private readonly handlers: (() => void)[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly listener: DatabaseListener) {
    listener.on(CHANNEL, () => this.handlers.forEach((handler) => handler()));
  }

  onRaised(handler: () => void): void {
    this.handlers.push(handler);
  }

  raise(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.listener.notify(CHANNEL, '');
    }, AT_MOST_EVERY_MS);
  }
}
