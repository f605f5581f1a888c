export type FindingCode =
  | 'cycle'
  | 'unknown_step'
  | 'unreachable'
  | 'bad_expression'
  | 'bad_schema'
  | 'bad_parameters'
  | 'duplicate_key'
  | 'unknown_agent'
  | 'unknown_board'
  | 'unknown_workflow'
  | 'recursion'
  | 'unknown_field'
  | 'bad_value'
  | 'limit';

/** What is wrong with a workflow, and where in what was sent: `steps[3].depends_on[0]`, `nodes[2].data.when`, `edges[4]`. */
export interface Finding {
  field: string;
  code: FindingCode;
  message: string;
}

/** What is told of one workflow at once: whoever has more is told that there are more. */
const MOST_FINDINGS = 500;

/** Gathers what is wrong. */
export class Findings {
  readonly all: Finding[] = [];
  private more = 0;

  add(field: string, code: FindingCode, message: string): void {
    if (this.all.length < MOST_FINDINGS) this.all.push({ field, code, message });
    else this.more += 1;
  }

  /** All of it, and how much is left out. */
  told(): Finding[] {
    return this.more === 0 ? this.all : [...this.all, { field: '', code: 'limit', message: `${this.more} more findings are not listed.` }];
  }
}

/** A part of a place. */
export const within = (place: string, name: string): string => (place === '' ? name : name.startsWith('[') ? `${place}${name}` : `${place}.${name}`);

/** `['retry', 'errors', 2]` as `retry.errors[2]`. */
export const placeOf = (path: readonly PropertyKey[]): string => path.reduce<string>((place, part) => within(place, typeof part === 'number' ? `[${part}]` : String(part).slice(0, 100)), '');
