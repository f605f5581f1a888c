import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { certificateFault, type PurgeCertificate, readCertificate } from '../core/audit/certificate.js';
import { type Command, type Output, UsageError } from './command.js';

const WRONG = 1;

/** Checks the certificate of a purge with no server and no database. */
export const auditCertificate: Command = {
  name: 'audit certificate',
  usage: `audit certificate FILE [--key FILE]
    Checks the certificate of a purge (GET /api/v1/compliance/purges/{id}): its signature, the checkpoints of the audit log
    before and after the purge, and that the log only grew between the two.
    --key         the public keys as noted down earlier, one on each line: without it those in FILE are believed
    Exit code 0: it is what was signed. 1: it is not. 2: FILE cannot be checked.`,
  async run(args, output) {
    const { file, key } = argumentsOf(args);
    const signed = readCertificate(await readFile(file, 'utf8'));
    const known = key === undefined ? undefined : (await readFile(key, 'utf8')).split('\n').map((line) => line.trim()).filter(Boolean);
    const fault = certificateFault(signed, known);
    if (fault !== undefined) {
      output.error(`WRONG: ${fault}`);
      return WRONG;
    }
    report(signed.certificate, output);
    if (known === undefined) output.out('The key was taken from the file itself: give --key to know whose signature it is.');
    return 0;
  },
};

function argumentsOf(args: readonly string[]): { file: string; key?: string | undefined } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: { key: { type: 'string' } } });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) throw new UsageError('audit certificate takes one FILE.');
    return { file, ...values };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function report({ id, entity, erased, keys_destroyed: keys, audit, completed_at: at }: PurgeCertificate, output: Output): void {
  const rows = Object.values(erased).reduce((sum, count) => sum + count, 0);
  output.out(`OK: purge ${id} of ${entity.type} ${entity.id}, completed ${at}.`);
  output.out(`${rows} rows of ${Object.keys(erased).length} tables were erased, ${keys.length} keys destroyed; ${audit.erased_rows} rows of the audit log keep nothing but that they were written.`);
  if (audit.unsealed_rows > 0) output.out(`${audit.unsealed_rows} rows of the audit log are from a version that did not seal, and keep their content.`);
  output.out(`The audit log had ${audit.before?.size ?? 0} rows before and ${audit.after?.size ?? 0} after, and only grew between the two.`);
}
