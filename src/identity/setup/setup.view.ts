/** Whether the installation waits for its first administrator. */
export class SetupStatusView {
  /** @example true */
  needs_setup!: boolean;
}
