/** What a secret is to be used for. */
export interface OutboundUse {
  /** Scheme, host and port that it is to be sent to, as `URL.origin` has them. */
  origin: string;
  /** In a word, as for `EgressRequest`. */
  purpose: string;
  /** On whose account the call is made. */
  resource?: { type: string; id: string };
}

/** Gives out values for calls that leave this installation. A port: the vault implements it. */
export abstract class OutboundSecrets {
  /**
   * Opens the current values of secrets of the running tenant, in a transaction of its own that also writes a row for each.
   * @returns values by name
   * @throws Problem `secret_not_allowed` (absent, or not meant for that origin), `secret_expired`
   */
  abstract open(names: readonly string[], use: OutboundUse): Promise<ReadonlyMap<string, string>>;
}
