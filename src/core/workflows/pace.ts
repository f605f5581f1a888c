/** Lets others have their turn in work that may take long. */
export interface Pace {
  /** Whether this has gone on for long enough. */
  isDue(): boolean;
  rest(): Promise<void>;
}

/** For work that nobody waits beside. */
export const UNPACED: Pace = { isDue: () => false, rest: () => Promise.resolve() };
