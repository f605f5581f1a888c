/** Counts what leaves, and how it ends. */
export abstract class EgressMeter {
  abstract count(purpose: string, outcome: string): void;
}
