import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type BundleVerdict, verifyBundle } from '../core/audit/bundle-verifier.js';
import { type Command, type Output, UsageError } from './command.js';

const TAMPERED = 1;

/** Checks an export of the audit log with no server and no database. */
export const auditVerify: Command = {
  name: 'audit verify',
  usage: `audit verify FILE [--checkpoint FILE] [--key FILE]
    Checks an export of the audit log (GET /api/v1/audit/export): every row, the tree, the signatures.
    --checkpoint  a checkpoint that was kept elsewhere, or the file that checkpoints are pushed to: finds an older state that was put back
    --key         the public keys as noted down earlier, one on each line, or an answer of GET /api/v1/audit/public-key:
                  without it those in FILE are believed, and 0 says only that FILE fits the key that is in it
    A key that was replaced and the one that came after it vouch for each other: either of them will do. What one signed after
    it had been replaced is not believed.
    Exit code 0: nothing was touched. 1: something was; the first wrong row is named. 2: FILE cannot be checked.`,
  async run(args, output) {
    const { file, checkpoint, key } = argumentsOf(args);
    const verdict = await verifyBundle(linesOf(file), {
      ...(checkpoint === undefined ? {} : { checkpoints: await readFile(checkpoint, 'utf8') }),
      ...(key === undefined ? {} : keysIn(await readFile(key, 'utf8'))),
    });
    return report(verdict, { hasKey: key !== undefined, hasCheckpoint: checkpoint !== undefined }, output);
  },
};

/** Keys by line, or as the API answers them, with what they signed about each other. */
function keysIn(text: string): { keys: string[]; handovers?: string[] } {
  if (!text.trimStart().startsWith('{')) return { keys: text.split('\n').map((line) => line.trim()).filter(Boolean) };
  const { keys, handovers } = JSON.parse(text) as { keys?: unknown; handovers?: unknown };
  if (!Array.isArray(keys)) throw new Error('There are no keys in the given answer.');
  return { keys: keys.map(String), ...(Array.isArray(handovers) ? { handovers: handovers.map(String) } : {}) };
}

/** Split at line feeds alone: texts in a row may hold other characters that end lines elsewhere. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, 'utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest;
}

function argumentsOf(args: readonly string[]): { file: string; checkpoint?: string | undefined; key?: string | undefined } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: { checkpoint: { type: 'string' }, key: { type: 'string' } } });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) throw new UsageError('audit verify takes one FILE.');
    return { file, ...values };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function report({ finding, header, rows, erased, checkpoints, newest, followed }: BundleVerdict, known: { hasKey: boolean; hasCheckpoint: boolean }, output: Output): number {
  if (finding) {
    output.error(`TAMPERED: ${finding.kind}: ${finding.detail}`);
    output.error(`first wrong row: ${finding.seq}${finding.row_id === null ? '' : ` (id ${finding.row_id})`}`);
    return TAMPERED;
  }
  output.out(`OK: ${rows} rows of ${header.origin} are what was sealed${erased.count > 0 ? `, ${erased.count} of them with their content erased` : ''}.`);
  if (erased.count > 0) output.out(`erased: ${erased.ranges.map(({ from, to }) => (from === to ? `row ${from}` : `rows ${from} to ${to}`)).join(', ')}`);
  output.out(`${checkpoints} checkpoints fit, the newest of ${newest?.size ?? 0} rows, ${newest?.time ?? 'never'}.`);
  for (const { from, to, time } of followed) output.out(`The key was replaced on ${time}: ${from} and ${to} have signed that one follows the other.`);
  if (!known.hasKey) output.out('The key was taken from the file itself: give --key to know whose signature it is.');
  if (!known.hasCheckpoint) output.out('No checkpoint from elsewhere was given (--checkpoint): an older state of the whole log would look the same.');
  return 0;
}
