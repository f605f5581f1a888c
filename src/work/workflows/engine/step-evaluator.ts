import { Injectable } from '@nestjs/common';
import { withoutPlaceholders } from '../../../core/secret-placeholders.js';
import { BUSY } from '../../../core/workflows/matching.js';
import { type Bindings, type Evaluator, StepFailure } from '../../../core/workflows/pass.js';
import { ExpressionFailure, Expressions, type Sight } from '../../../platform/expressions/expressions.js';
import { ExpressionError } from '../../../platform/expressions/syntax.js';

const MARKED = /^\s*\{%([\s\S]*)%\}\s*$/;

/** What transitions ask of expressions: names that they need beforehand, and failures of steps instead of failures of expressions. */
@Injectable()
export class StepEvaluator implements Evaluator {
  constructor(private readonly expressions: Expressions) {}

  referencesOf(value: unknown): readonly string[] {
    return this.expressions.in(value).flatMap((expression) => this.referencesIn(expression));
  }

  referencesIn(expression: string): readonly string[] {
    try {
      return this.expressions.syntax(bare(expression)).steps;
    } catch (error) {
      // Whoever evaluates it says what is wrong with it.
      if (error instanceof ExpressionError) return [];
      throw error;
    }
  }

  fill(value: unknown, bindings: Bindings): Promise<unknown> {
    return this.expressions.fill(value, sightOf(bindings), withoutPlaceholders).catch(asFailure);
  }

  evaluate(expression: string, bindings: Bindings): Promise<unknown> {
    return this.expressions.evaluate(bare(expression), sightOf(bindings)).catch(asFailure);
  }
}

/** Conditions are written without the marks; with them they mean the same. */
const bare = (expression: string): string => MARKED.exec(expression)?.[1]?.trim() ?? expression;

function sightOf({ context, ...variables }: Bindings): Sight {
  return { context, variables };
}

/** An expression that took too long may have met a busy machine; whatever else is wrong with it stays wrong. */
function asFailure(error: unknown): never {
  if (error instanceof ExpressionFailure) throw new StepFailure({ code: CODES[error.reason] ?? 'expression_failed', message: error.message, passing: error.reason in CODES });
  if (error instanceof ExpressionError) throw new StepFailure({ code: 'expression_failed', message: `${error.message} (at ${error.position})`, passing: false });
  throw error;
}

/** Of those that another try may better. */
const CODES: Readonly<Partial<Record<ExpressionFailure['reason'], string>>> = { timeout: 'expression_timeout', busy: BUSY };
