/** Which status may follow which. A status that leads nowhere is final. */
export class StateMachine<S extends string> {
  constructor(private readonly transitions: Readonly<Record<S, readonly S[]>>) {}

  /** Whether `to` may follow `from`; a status may not follow itself unless the table says so. */
  can(from: S, to: S): boolean {
    return this.transitions[from].includes(to);
  }

  isFinal(status: S): boolean {
    return this.transitions[status].length === 0;
  }

  /** Every status from which `to` can be reached in one step, for `where status = any(...)`. */
  sourcesOf(to: S): S[] {
    return (Object.keys(this.transitions) as S[]).filter((from) => this.can(from, to));
  }

  get statuses(): S[] {
    return Object.keys(this.transitions) as S[];
  }
}
