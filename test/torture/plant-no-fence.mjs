/**
 * Loaded into the plane's processes by `npm run torture -- --plant no-fence`: takes the check of fence and owner out of
 * every write under a lease, so that the checker can show that it notices.
 */
import { registerHooks } from 'node:module';

const FILE = '/dist/work/tasks/leases.repository.js';
const CHECKS = [
  'task.fence = input.fence and task.claimed_by = input.agent_id',
  'task.fence = i.fence and task.claimed_by = i.agent_id',
  'task.claimed_by = $3 and task.fence = $4',
];

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(FILE)) return loaded;
    let source = String(loaded.source);
    for (const check of CHECKS) {
      if (!source.includes(check)) throw new Error(`the fence check is not where it was: ${check}`);
      // The parameters stay, or PostgreSQL could not tell their types.
      source = source.replace(check, `(true or (${check}))`);
    }
    return { ...loaded, source };
  },
});
