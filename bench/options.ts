import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Of one measurement. */
  seconds: number;
  /** Pairs of measurements. */
  rounds: number;
  /** Tasks in the large table. */
  rows: number;
  only: string[];
}

export const USAGE = `usage: npm run bench -- [--seconds N] [--rounds N] [--rows N] [--only start,create,read,list,claim,batch,wake,size]

Measures the plane beside a bare Express + pg server and pg-boss, on one embedded PostgreSQL with its durable settings.
The table is printed; the figures also go to bench/results/latest.json.`;

/** @throws Error for what is not understood */
export function parseBenchOptions(argv: readonly string[], known: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: 'string', default: '8' },
      rounds: { type: 'string', default: '3' },
      rows: { type: 'string', default: '1000000' },
      only: { type: 'string', default: known.join(',') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const only = values.only.split(',');
  const unknown = only.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`--only knows ${known.join(', ')}`);
  return {
    seconds: whole('--seconds', values.seconds),
    rounds: whole('--rounds', values.rounds),
    rows: whole('--rows', values.rows),
    only,
  };
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} is a whole number from 1`);
  return value;
}
