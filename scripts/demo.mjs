/**
 * `npm run demo`: real agents take real work from a fresh plane; one of them is killed and one is frozen, and nothing is
 * lost or done twice.
 */
import { main } from './demo/main.ts';

process.exitCode = await main(process.argv.slice(2));
