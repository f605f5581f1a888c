/** `npm run torture -- --seconds 60 --seed N`: agents and clients work while everything around them breaks. */
import { main } from '../test/torture/main.ts';

process.exitCode = await main(process.argv.slice(2));
