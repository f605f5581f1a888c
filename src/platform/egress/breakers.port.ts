export const TARGET_KINDS = ['host', 'llm_provider', 'tool', 'mcp_server', 'agent'] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];

/** What a call goes to, as circuit breakers name it. */
export interface CallTarget {
  kind: TargetKind;
  /** Of a host: its name, or name and port. Of an agent: its id. Otherwise as it is called elsewhere. */
  name: string;
}

/** The leave to make one call. Exactly one of its ends is told, once the call is over; each resolves when that holds in every process. */
export interface Passage {
  /** @param ms how long the call took */
  succeeded(ms: number): Promise<void>;
  /** @param reason in a few words of the plane's own: it is shown with the breaker */
  failed(reason: string, ms: number): Promise<void>;
  /**
   * There was no answer for as long as its caller waits. Whether the target is to blame depends on how long that is.
   * @param patienceMs how long the caller meant to wait
   */
  timedOut(reason: string, patienceMs: number): Promise<void>;
  /** Neither: it was given up, or says nothing about the target. */
  abandoned(): Promise<void>;
}

/** Stands in front of calls. A port: the circuit breakers implement it. To be asked outside of a transaction. */
export abstract class Breakers {
  /**
   * Lets one call through. From memory while every breaker over the targets is closed.
   * @throws Problem `circuit_open` with `retry_at`
   */
  abstract enter(tenantId: string, targets: readonly CallTarget[]): Promise<Passage>;

  /** Which of these tools stand behind a breaker that is not closed. From memory. */
  abstract closedTo(tenantId: string, tools: readonly string[]): Promise<string[]>;
}

const done = (): Promise<void> => Promise.resolve();

/** Of a call that no breaker stands in front of. */
export const FREE_PASSAGE: Passage = { succeeded: done, failed: done, timedOut: done, abandoned: done };
