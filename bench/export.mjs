/** `node bench/export.mjs --rows N`: memory and time of what goes over the whole audit log, at 100,000 rows and at N. */
import { main } from './big-log.ts';

process.exitCode = await main(process.argv.slice(2));
