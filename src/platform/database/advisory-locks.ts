/**
 * The keys of all advisory locks with a key of 64 bits: two with the same number would hold each other up. Any number will do
 * that no other has; one that has been in use is not given to something else, as processes of two versions may run together.
 */
export const ADVISORY_LOCKS = {
  /** One process migrates at a time. */
  migration: 7_305_803_921,
  /** Processes agree on the current master key. */
  masterKey: 7_305_803_922,
  /** One rotation of the master key runs at a time. */
  keyRotation: 7_305_803_923,
  /** Held by the session of the leading sequencer of the audit log. */
  auditSequencer: 7_305_803_924,
  /** A key of the audit log is made once for all processes. */
  auditKeys: 7_305_803_925,
  /** One process at a time lets dead letters go on. */
  deadLetterPacer: 7_305_803_926,
  /** One process at a time adds up the usage of days. */
  usageRollUp: 7_305_803_933,
  /** One process at a time looks at the thresholds of triggers. */
  triggerThresholds: 7_305_803_954,
} as const;
