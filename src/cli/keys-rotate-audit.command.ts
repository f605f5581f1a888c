import { Config, loadConfig } from '../platform/config/config.js';
import { type Command, UsageError } from './command.js';
import { withDatabase } from './with-database.js';

/** Puts another key in the place of the one that signs the checkpoints of the audit log. */
export const keysRotateAudit: Command = {
  name: 'keys rotate-audit',
  usage: `keys rotate-audit
    Makes a new key for the checkpoints of the audit log and destroys the secret of the old one, while the planes work. With the
    settings of a plane (DATABASE_URL, MASTER_KEY_FILE or MASTER_KEY, KMS_URL, WHEELHOUSE_DATA). Killed, it has done all or nothing.
    What the old key signed stays valid. The two keys sign that one follows the other: who noted down either can check exports with it.`,
  async run(args, output) {
    if (args.length > 0) throw new UsageError('keys rotate-audit takes no arguments.');
    const given = loadConfig();
    const { rotateAuditKey } = await import('./rotate-audit-key.js');
    const { from, to } = await withDatabase(given, (url) => rotateAuditKey(new Config({ ...given.settings, DATABASE_URL: url }, given.files)));
    output.out(`done: checkpoints are signed with ${to} from now on. Note it down beside the old one (${from}), whose secret is gone.`);
    return 0;
  },
};
