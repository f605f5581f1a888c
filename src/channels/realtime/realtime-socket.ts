import type { WebSocket } from 'ws';
import type { Problem } from '../../core/problem.js';
import type { RealtimeLimits } from './realtime-limits.js';

/** Close codes of the contract, beside those of RFC 6455. */
export const CLOSE = { goingAway: 1001, tryLater: 1013, unauthenticated: 4401, forbidden: 4403, tooSlow: 4408, tooMany: 4429 } as const;
const LONGEST_REASON = 123;

/** One socket: sends as long as the other side reads, counts what it sends, and knows whether it is still there. */
export class RealtimeSocket {
  private allowance: number;
  private countedAt = performance.now();
  private alive = true;

  constructor(
    private readonly socket: WebSocket,
    private readonly limits: RealtimeLimits,
    readonly requestId: string,
  ) {
    this.allowance = limits.burst;
    socket.on('pong', () => (this.alive = true));
  }

  get open(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  send(message: object): void {
    this.sendText(JSON.stringify(message));
  }

  /** Sends a text; a client that leaves too much unread is closed instead, and gets what was sent before. */
  sendText(text: string): void {
    if (!this.open) return;
    if (this.socket.bufferedAmount > this.limits.mostUnreadBytes) {
      this.close(CLOSE.tooSlow, `too slow: more than ${this.limits.mostUnreadBytes} bytes unread`);
      return;
    }
    this.socket.send(text);
  }

  sendProblem(problem: Problem): void {
    this.send({ type: 'error', problem: problem.toDocument(this.requestId) });
  }

  close(code: number, reason: string): void {
    if (this.open) this.socket.close(code, reason.slice(0, LONGEST_REASON));
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.socket.terminate();
  }

  /** Counts one message of the client. @returns whether it may send that many */
  admit(): boolean {
    const now = performance.now();
    this.allowance = Math.min(this.limits.burst, this.allowance + ((now - this.countedAt) / 1000) * this.limits.messagesPerSecond);
    this.countedAt = now;
    this.allowance -= 1;
    return this.allowance >= 0;
  }

  /** Asks for a sign of life; cuts the connection when the last question had no answer. */
  probe(): void {
    if (!this.alive) {
      this.cut();
      return;
    }
    this.alive = false;
    if (this.open) this.socket.ping();
  }
}
