import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import jsonata from 'jsonata';
import { LRUCache } from 'lru-cache';
import { EvaluatorEnded, Evaluators } from './evaluators.js';
import type { Answer, Question } from './expression.process.js';
import { RequestContext } from '../context/request-context.js';
import { type Syntax, syntaxOf } from './syntax.js';
import { EvaluatorTurns } from './evaluator-turns.js';

/** Why an expression says nothing. */
export class ExpressionFailure extends Error {
  constructor(
    readonly reason: 'timeout' | 'busy' | 'memory' | 'too_large' | 'error',
    message: string,
  ) {
    super(message);
  }
}

/** What an expression may see: `$`, and `$name` for each of the others. */
export interface Sight {
  context: unknown;
  variables: Readonly<Record<string, unknown>>;
}

const MOST_KNOWN = 2_000;
const PROCESSES = 2;
const HEAP_MB = 64;
/** Its own limit ends nearly all sooner; this one ends the process, with whatever keeps it. */
const GIVEN_UP_MS = 2_000;
/** For a free process. */
const LONGEST_WAIT_MS = 2_000;
const LARGEST_PLAIN_RESULT = 262_144;
const MARK = /\{%([\s\S]*?)%\}/g;
const WHOLE = /^\s*\{%([\s\S]*?)%\}\s*$/;

/**
 * Expressions that people write (JSONata). They see data and nothing else. Those that could take long or much are evaluated in processes of
 * their own, with a limit of time and memory; plain ones, which only look things up, compare and put together, at once.
 */
@Injectable()
export class Expressions implements OnApplicationShutdown {
  private readonly known = new LRUCache<string, Syntax>({ max: MOST_KNOWN });
  private readonly plain = new LRUCache<string, jsonata.Expression>({ max: MOST_KNOWN });
  private readonly turns = new EvaluatorTurns(PROCESSES);
  // Beside this file: compiled, or as it was written. Started with the first expression that needs one.
  private readonly evaluators = new Evaluators(new URL(`./expression.process${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url), HEAP_MB);

  constructor(private readonly context: RequestContext) {}

  async onApplicationShutdown(): Promise<void> {
    await this.evaluators.stop();
  }

  /** @throws ExpressionError */
  syntax(text: string): Syntax {
    const known = this.known.get(text) ?? syntaxOf(text);
    this.known.set(text, known);
    return known;
  }

  /** The expressions in a value: its texts between the marks, and in texts. */
  in(value: unknown): string[] {
    if (typeof value === 'string') return [...value.matchAll(MARK)].map(([, text = '']) => text.trim());
    if (typeof value !== 'object' || value === null) return [];
    return Object.values(value).flatMap((member) => this.in(member));
  }

  /**
   * A value with its expressions replaced by what they say: a text that is one by what it says, of whatever type; one in a text by text.
   * @param clean what is done to everything that an expression says, before it takes its place
   * @throws ExpressionFailure
   */
  async fill(value: unknown, sight: Sight, clean: (said: unknown) => unknown = (said) => said): Promise<unknown> {
    if (typeof value === 'string') return this.fillText(value, sight, clean);
    if (Array.isArray(value)) return Promise.all(value.map((item: unknown) => this.fill(item, sight, clean)));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(await Promise.all(Object.entries(value).map(async ([name, member]) => [name, await this.fill(member, sight, clean)] as const)));
  }

  /** What an expression says; null for nothing. @throws ExpressionError, ExpressionFailure */
  async evaluate(text: string, { context, variables }: Sight): Promise<unknown> {
    if (this.syntax(text).isPlain) return this.evaluatePlain(text, context, variables);
    const answer = await this.ask({ text, context, variables: { ...variables } });
    if ('json' in answer) return JSON.parse(answer.json) as unknown;
    throw new ExpressionFailure(reasonOf(answer.code), answer.detail);
  }

  private async fillText(text: string, sight: Sight, clean: (said: unknown) => unknown): Promise<unknown> {
    const whole = WHOLE.exec(text);
    if (whole && [...text.matchAll(MARK)].length === 1) return clean(await this.evaluate((whole[1] ?? '').trim(), sight));
    const said = await Promise.all(this.in(text).map(async (expression) => clean(await this.evaluate(expression, sight))));
    return text.replaceAll(MARK, () => textOf(said.shift()));
  }

  private async evaluatePlain(text: string, context: unknown, variables: Sight['variables']): Promise<unknown> {
    const expression = this.plain.get(text) ?? jsonata(text);
    this.plain.set(text, expression);
    try {
      const json = JSON.stringify((await expression.evaluate(context, { ...variables })) ?? null) ?? 'null';
      if (json.length > LARGEST_PLAIN_RESULT) throw new ExpressionFailure('too_large', `It results in more than ${LARGEST_PLAIN_RESULT} characters.`);
      return JSON.parse(json) as unknown;
    } catch (error) {
      if (error instanceof ExpressionFailure) throw error;
      throw new ExpressionFailure('error', String((error as { message?: unknown }).message ?? error).slice(0, 500));
    }
  }

  /** Tenants take turns: who has very many that take long keeps the others waiting for one at a time. */
  private async ask(question: Question): Promise<Answer> {
    if (!(await this.turns.take(this.context.tenantIdOrUndefined ?? '', LONGEST_WAIT_MS))) throw new ExpressionFailure('busy', 'Too many expressions are waiting for their turn.');
    try {
      return await this.evaluators.ask(question, GIVEN_UP_MS);
    } catch (error) {
      if (!(error instanceof EvaluatorEnded)) throw error;
      throw new ExpressionFailure(error.reason, error.reason === 'timeout' ? 'It takes too long.' : `It takes more than ${HEAP_MB} MB.`);
    } finally {
      this.turns.leave();
    }
  }
}

function reasonOf(code: string): ExpressionFailure['reason'] {
  if (code === 'too_large' || code === 'D2015') return 'too_large';
  return code === 'D1012' ? 'timeout' : 'error';
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
