import { auditCertificate } from './audit-certificate.command.js';
import { auditVerify } from './audit-verify.command.js';
import { type Command, type Output, UsageError } from './command.js';
import { keysRotateAudit } from './keys-rotate-audit.command.js';
import { keysRotate } from './keys-rotate.command.js';

const COMMANDS: readonly Command[] = [auditVerify, auditCertificate, keysRotate, keysRotateAudit];
const CANNOT = 2;

/** Finds the command that the arguments begin with, and runs it. @returns the exit code */
export async function runCommand(args: readonly string[], output: Output): Promise<number> {
  const command = COMMANDS.find(({ name }) => name.split(' ').every((word, index) => args[index] === word));
  if (!command) {
    const asked = args.length === 0 || args[0] === '--help' || args[0] === 'help';
    output[asked ? 'out' : 'error'](`usage: npx wheelhouse COMMAND\n\n${COMMANDS.map(({ usage }) => `  ${usage}`).join('\n\n')}`);
    return asked ? 0 : CANNOT;
  }
  try {
    return await command.run(args.slice(command.name.split(' ').length), output);
  } catch (error) {
    output.error(`wheelhouse: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof UsageError) output.error(`usage: npx wheelhouse ${command.usage}`);
    return CANNOT;
  }
}
