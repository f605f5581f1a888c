import { type LaneKeeper, LaneRun } from './lane-run.js';
import type { DueDelivery, Lane } from './webhook-lanes.repository.js';

const lane = (fields: Partial<Lane> = {}): Lane => ({ tenant_id: 't', id: 'w', webhook_id: 'w', failures: 0, room: 3, ...fields });
const due = (id: string): DueDelivery => ({ id, order_key: null }) as DueDelivery;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A receiver that answers when it is told to. */
class Receiver implements LaneKeeper {
  readonly open = new Map<string, () => void>();
  readonly aborted: string[] = [];
  most = Number.POSITIVE_INFINITY;
  idles = 0;
  constructor(public waiting: DueDelivery[]) {}
  read(_lane: Lane, underWay: readonly string[], most: number): Promise<DueDelivery[]> {
    return Promise.resolve(this.waiting.filter(({ id }) => !underWay.includes(id)).slice(0, most));
  }
  deliver(_lane: Lane, { id }: DueDelivery, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.open.delete(id);
        resolve();
      };
      this.open.set(id, () => {
        this.waiting = this.waiting.filter((one) => one.id !== id);
        end();
      });
      signal.addEventListener('abort', () => {
        this.aborted.push(id);
        end();
      });
    });
  }
  admits(): boolean {
    return this.open.size < this.most;
  }
  idle(): void {
    this.idles += 1;
  }
}

describe('the work on a lane', () => {
  it('keeps as many calls under way as the lane takes, sends each once, and says when nothing is left', async () => {
    const receiver = new Receiver(Array.from({ length: 250 }, (_, index) => due(String(index))));
    const run = new LaneRun(lane(), receiver);
    const sent: string[] = [];
    run.wake();
    for (await turn(); receiver.open.size > 0; await turn()) {
      expect(receiver.open.size).toBeLessThanOrEqual(3);
      for (const [id, answer] of [...receiver.open]) {
        sent.push(id);
        answer();
      }
    }
    expect(sent).toEqual(Array.from({ length: 250 }, (_, index) => String(index)));
    expect([receiver.idles > 0, run.underWay]).toEqual([true, 0]);
  });

  it('calls a receiver that keeps failing one at a time, and nobody beyond what the process takes', async () => {
    for (const [failing, most, expected] of [[5, 9, 1], [4, 9, 3], [0, 2, 2]] as const) {
      const receiver = new Receiver(['a', 'b', 'c', 'd'].map(due));
      receiver.most = most;
      new LaneRun(lane({ failures: failing }), receiver).wake();
      await turn();
      expect(receiver.open.size).toBe(expected);
    }
  });

  it('starts nothing more when the receiver is to be left alone, and is idle when what was under way has ended', async () => {
    const receiver = new Receiver(['a', 'b', 'c', 'd'].map(due));
    const run = new LaneRun(lane(), receiver);
    run.wake();
    await turn();
    run.rest(500);
    run.rest(200);
    run.wake();
    for (const answer of [...receiver.open.values()]) answer();
    await turn();
    expect([receiver.aborted, receiver.open.size, receiver.waiting.map(({ id }) => id), receiver.idles > 0, run.lane.restMs]).toEqual([[], 0, ['d'], true, 500]);
  });

  it('ends what is under way when it is stopped, and starts nothing more', async () => {
    const receiver = new Receiver(['a', 'b', 'c', 'd'].map(due));
    const run = new LaneRun(lane(), receiver);
    run.wake();
    await turn();
    run.stop();
    run.wake();
    await turn();
    expect([receiver.aborted, receiver.open.size, receiver.waiting.length, receiver.idles]).toEqual([['a', 'b', 'c'], 0, 4, 0]);
  });
});
