/** `npm run bench`: what the plane does per second, beside a bare server and a job queue on the same PostgreSQL. */
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2));
