/** What setup does to the operator's own tenant. */
export abstract class OperatorTenant {
  /** Names it, in the running transaction of the operator tenant. */
  abstract rename(name: string): Promise<void>;
}
