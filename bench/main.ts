import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../scripts/demo/command.ts';
import type { Row } from './in-pairs.ts';
import { MEASURES } from './measures.ts';
import { type BenchOptions, parseBenchOptions, USAGE } from './options.ts';
import { World } from './world.ts';

/** @returns the exit code: 0 when everything could be measured without an error */
export function main(argv: readonly string[]): Promise<number> {
  return runCommand(() => parseBenchOptions(argv, Object.keys(MEASURES)), USAGE, perform);
}

async function perform(options: BenchOptions): Promise<number> {
  const rows = await measure(options);
  print(rows);
  save(options, rows);
  return rows.some((row) => row.errors > 0) ? 1 : 0;
}

async function measure(options: BenchOptions): Promise<Row[]> {
  const world = new World();
  const rows: Row[] = [];
  try {
    await world.start();
    for (const name of options.only) {
      console.log(`measuring ${name} ...`);
      rows.push(...((await MEASURES[name]?.(world, options)) ?? []));
    }
  } finally {
    await world.stop();
  }
  return rows;
}

function print(rows: readonly Row[]): void {
  const head = ['what', 'ours', 'unit', 'peer', 'ratio', 'p50 ms', 'p99 ms', 'errors'];
  const lines = rows.map((row) => [
    row.what,
    figure(row.ours),
    row.unit,
    row.peer ? `${row.peer.name} ${figure(row.peer.value)}` : '',
    row.ratio === undefined ? '' : `${row.ratio.toFixed(2)}×`,
    row.p50 === undefined ? '' : figure(row.p50),
    row.p99 === undefined ? '' : figure(row.p99),
    row.errors === 0 ? '' : String(row.errors),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]): string => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  console.log(`\n${format(head)}\n|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  for (const line of lines) console.log(format(line));
}

const figure = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(value >= 10 ? 1 : 2));

function save(options: BenchOptions, rows: readonly Row[]): void {
  const folder = join(process.cwd(), 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
  };
  writeFileSync(join(folder, 'latest.json'), `${JSON.stringify({ at: new Date().toISOString(), machine, options, rows }, null, 2)}\n`);
}
