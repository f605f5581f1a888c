/** What the demo's agents run for each task: lints, counts or tests files of this repository, as the task on stdin says. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';

const run = promisify(execFile);
const LARGEST = 64 * 1024 * 1024;

/** A program of node_modules; what it prints counts also when it finds something. */
async function printed(program, ...flags) {
  try {
    return JSON.parse((await run(process.execPath, [join('node_modules', ...program), ...flags], { maxBuffer: LARGEST })).stdout);
  } catch (error) {
    if (error.stdout) return JSON.parse(error.stdout);
    throw error;
  }
}

const CHECKS = {
  async lint() {
    const files = await printed(['eslint', 'bin', 'eslint.js'], '--format', 'json', join('clients', 'runner'));
    const sum = (field) => files.reduce((total, file) => total + file[field], 0);
    return { files: files.length, errors: sum('errorCount'), warnings: sum('warningCount') };
  },
  count() {
    const files = readdirSync('src', { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
    return { files: files.length, lines: files.reduce((total, { parentPath, name }) => total + readFileSync(join(parentPath, name), 'latin1').split('\n').length - 1, 0) };
  },
  async test() {
    const report = await printed(['jest', 'bin', 'jest.js'], '--selectProjects', 'unit', '--json', '--silent', '--testPathPatterns', join('src', 'core', 'workflows'));
    return { passed: report.numPassedTests, failed: report.numFailedTests + report.numRuntimeErrorTestSuites };
  },
};

const { payload } = await json(process.stdin);
console.log(JSON.stringify(await CHECKS[payload.check]()));
