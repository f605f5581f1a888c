import { type Step, withGotos } from './graph.js';
import type { Pace } from './pace.js';

/** A question: does this step end before that one begins? */
export interface Question {
  before: string;
  step: string;
  /** What is done when it does not. */
  refuse: () => void;
}

const BITS = 32;
const LONGEST_CYCLE_TOLD = 10;

/** The edges of a scope, those that gotos stand for among them. Steps by numbers: there may be ten thousand. */
export class ScopeEdges {
  private readonly numbers: ReadonlyMap<string, number>;
  /** Of each step: the steps that it waits for; -1 for one that is not there. */
  private readonly before: readonly Int32Array[];
  /** Steps after all that they wait for; those in cycles, and after them, somehow. */
  private order: Int32Array = new Int32Array(0);
  private readonly inCycle = new Set<number>();

  constructor(private readonly steps: readonly Step[]) {
    // Of two steps of one key the last counts, as it does for runs.
    this.numbers = new Map(steps.map(({ key }, index) => [key, index]));
    this.before = withGotos(steps).map(({ depends_on }) => Int32Array.from(depends_on, ({ step }) => this.numbers.get(step) ?? -1));
  }

  has(key: string): boolean {
    return this.numbers.has(key);
  }

  /**
   * Finds every cycle that a walk along the edges comes upon. To be called before questions are answered.
   * @param tell of the step and the how manieth of its edges that closes it, and the keys on the way
   */
  cycles(tell: (step: Step, edge: number, way: string[]) => void): void {
    const order: number[] = [];
    // 0: not seen; 1: on the way; 2: done.
    const state = new Uint8Array(this.steps.length);
    const next = new Int32Array(this.steps.length);
    for (let from = 0; from < this.steps.length; from++) {
      const way = state[from] === 0 ? [from] : [];
      while (way.length > 0) {
        const at = way.at(-1) as number;
        state[at] = 1;
        const edge = next[at] as number;
        next[at] = edge + 1;
        const to = this.before[at]?.[edge];
        if (to === undefined) {
          state[at] = 2;
          order.push(at);
          way.pop();
        } else if (to >= 0 && state[to] === 0) way.push(to);
        else if (to >= 0 && state[to] === 1) tell(this.steps[at] as Step, edge, this.close(way, to));
      }
    }
    this.order = Int32Array.from(order);
  }

  private close(way: readonly number[], to: number): string[] {
    const cycle = way.slice(way.lastIndexOf(to));
    for (const number of cycle) this.inCycle.add(number);
    // In the order in which things would happen: each before the one that waits for it.
    const keys = [...cycle, to].reverse().map((number) => this.steps[number]?.key ?? '');
    return keys.length <= LONGEST_CYCLE_TOLD ? keys : [...keys.slice(0, LONGEST_CYCLE_TOLD - 2), `(${keys.length - LONGEST_CYCLE_TOLD} more)`, ...keys.slice(-2)];
  }

  /** Answers questions together: 32 of the steps that are asked for in one walk along all edges. */
  async answer(questions: readonly Question[], pace: Pace): Promise<void> {
    const open = new Map<number, { step: number; refuse: () => void }[]>();
    for (const { before, step, refuse } of questions) {
      const [ancestor, at] = [this.numbers.get(before) ?? -1, this.numbers.get(step) ?? -1];
      if (this.before[at]?.includes(ancestor) || this.inCycle.has(at)) continue;
      const known = open.get(ancestor);
      if (known) known.push({ step: at, refuse });
      else open.set(ancestor, [{ step: at, refuse }]);
    }
    const asked = [...open];
    for (let from = 0; from < asked.length; from += BITS) {
      if (pace.isDue()) await pace.rest();
      this.answerSome(asked.slice(from, from + BITS));
    }
  }

  private answerSome(asked: readonly (readonly [number, readonly { step: number; refuse: () => void }[]])[]): void {
    const own = new Map(asked.map(([ancestor], bit) => [ancestor, 1 << bit]));
    const reached = new Int32Array(this.steps.length);
    for (const at of this.order) {
      let bits = 0;
      for (const from of this.before[at] ?? []) if (from >= 0) bits |= (reached[from] as number) | (own.get(from) ?? 0);
      reached[at] = bits;
    }
    for (const [bit, [, questions]] of asked.entries()) {
      for (const { step, refuse } of questions) if (((reached[step] ?? 0) & (1 << bit)) === 0) refuse();
    }
  }
}
