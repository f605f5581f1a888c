import jsonata from 'jsonata';
import { RE2JS } from 're2js';

/** What the process is asked: an expression, and what it may see. */
export interface Question {
  text: string;
  context: unknown;
  variables: Record<string, unknown>;
}

/** What it says, as JSON, so that nothing but data comes out; or why it says nothing. */
export type Answer = { json: string } | { code: string; detail: string };

const TIMEOUT_MS = 200;
const DEEPEST = 500;
const LONGEST_SEQUENCE = 100_000;
const LARGEST_RESULT = 262_144;

/** Regular expressions in linear time (RE2): none can be made to run for ever. As much of `RegExp` as JSONata uses. */
class LinearRegExp {
  lastIndex = 0;
  private readonly expression: RE2JS;

  constructor(expression: RegExp) {
    const flags = (expression.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0) | (expression.multiline ? RE2JS.MULTILINE : 0);
    this.expression = RE2JS.compile(RE2JS.translateRegExp(expression.source), flags);
  }

  exec(text: string): RegExpExecArray | null {
    const matcher = this.expression.matcher(text);
    if (this.lastIndex > text.length || !matcher.find(this.lastIndex)) {
      this.lastIndex = 0;
      return null;
    }
    this.lastIndex = matcher.end();
    const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, index) => matcher.group(index) ?? undefined);
    return Object.assign(groups, { index: matcher.start(), input: text }) as unknown as RegExpExecArray;
  }
}

/** Evaluates an expression. The process that it runs in is ended from outside when it does not come back. */
async function evaluate({ text, context, variables }: Question): Promise<Answer> {
  try {
    const expression = jsonata(text, { RegexEngine: LinearRegExp as unknown as RegExpConstructor, timeout: TIMEOUT_MS, stack: DEEPEST, sequence: LONGEST_SEQUENCE });
    const json = JSON.stringify((await expression.evaluate(context, variables)) ?? null) ?? 'null';
    return json.length > LARGEST_RESULT ? { code: 'too_large', detail: `It results in more than ${LARGEST_RESULT} characters.` } : { json };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    return { code: typeof code === 'string' ? code : 'failed', detail: String(message ?? error).slice(0, 500) };
  }
}

// Signals are for the process that asks: it still needs its answers while it drains. When it is gone, so is this one.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
process.on('disconnect', () => process.exit());
process.on('message', (question: Question) => void evaluate(question).then((answer) => process.send?.(answer)));
process.send?.('ready');
