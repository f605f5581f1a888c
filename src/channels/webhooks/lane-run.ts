import type { DueDelivery, Lane } from './webhook-lanes.repository.js';

/** So many times what may be under way is read at once: what is read is in memory. */
const READ_AHEAD = 4;
/** A receiver that fails so often in a row is called by one at a time: one that hangs takes one place. */
export const MOST_FAILURES = 5;

/** What a lane needs of whoever runs it. */
export interface LaneKeeper {
  /** @param underWay those that it has read already */
  read(lane: Lane, underWay: readonly string[], most: number): Promise<DueDelivery[]>;
  /** Makes the call and stores how it ended. */
  deliver(lane: Lane, delivery: DueDelivery, signal: AbortSignal): Promise<void>;
  /** Whether one more call of the tenant may be under way in this process. */
  admits(tenantId: string): boolean;
  /** Nothing is due here any more, or it cannot be read. */
  idle(run: LaneRun): void;
}

/** The work on one lane in this process: reads what is due, in its order, and keeps as many calls under way as it may. */
export class LaneRun {
  private readonly queue: DueDelivery[] = [];
  private readonly calls = new Map<string, AbortController>();
  private reading = false;
  private more = true;
  private stopped = false;
  private resting = false;

  constructor(
    readonly lane: Lane,
    private readonly keeper: LaneKeeper,
  ) {}

  get underWay(): number {
    return this.calls.size;
  }

  /** There may be something new. */
  wake(): void {
    this.more = true;
    this.go();
  }

  /** Starts what may be started, and reads on. */
  go(): void {
    if (this.stopped) return;
    const room = this.lane.failures >= MOST_FAILURES ? 1 : this.lane.room;
    while (this.queue.length > 0 && this.calls.size < room && this.keeper.admits(this.lane.tenant_id)) this.start(this.queue.shift() as DueDelivery);
    if (this.reading) return;
    if (this.more && !this.resting && this.queue.length < this.lane.room) void this.read();
    else if (this.queue.length === 0 && this.calls.size === 0) this.keeper.idle(this);
  }

  /** Lets what is under way end, and starts nothing more: the receiver is to be left alone for a while. */
  rest(milliseconds: number): void {
    this.resting = true;
    this.queue.length = 0;
    this.lane.restMs = Math.max(milliseconds, this.lane.restMs ?? 0);
  }

  /** Ends what is under way, which stays due; nothing more is started. */
  stop(): void {
    this.stopped = true;
    this.queue.length = 0;
    for (const call of this.calls.values()) call.abort();
  }

  private start(delivery: DueDelivery): void {
    const call = new AbortController();
    this.calls.set(delivery.id, call);
    void this.keeper.deliver(this.lane, delivery, call.signal).finally(() => {
      this.calls.delete(delivery.id);
      // The next one of its order key may be due now.
      if (delivery.order_key !== null) this.more = true;
      this.go();
    });
  }

  private async read(): Promise<void> {
    this.reading = true;
    this.more = false;
    try {
      const known = [...this.calls.keys(), ...this.queue.map(({ id }) => id)];
      const most = this.lane.room * READ_AHEAD;
      const due = await this.keeper.read(this.lane, known, most);
      if (this.stopped || this.resting) return;
      this.queue.push(...due);
      if (due.length === most) this.more = true;
    } catch {
      // The keeper has said so. The lane is let go of, and looked at again.
      this.queue.length = 0;
    } finally {
      this.reading = false;
    }
    this.go();
  }
}
