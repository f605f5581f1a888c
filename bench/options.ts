import { parseArgs } from 'node:util';
import { positive } from '../scripts/demo/command.ts';

export interface BenchOptions {
  /** Of one measurement. */
  seconds: number;
  /** Pairs of measurements. */
  rounds: number;
  /** Tasks in the large table. */
  rows: number;
  only: string[];
}

export const USAGE = `usage: npm run bench -- [--seconds N] [--rounds N] [--rows N] [--only start,create,read,list,claim,batch,wake,size,token,tokens,login,reveal,sealing,webhooks,triggers,workflows,workflow-latency]

Measures the plane beside a bare Express + pg server, pg-boss and DBOS, on one embedded PostgreSQL with its durable settings.
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
    seconds: positive('--seconds', values.seconds),
    rounds: positive('--rounds', values.rounds),
    rows: positive('--rows', values.rows),
    only,
  };
}
