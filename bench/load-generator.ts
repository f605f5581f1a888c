/** The load generator, a process of its own: it must not share an event loop with what it measures. */
import { json } from 'node:stream/consumers';
import { type Load, runLoad } from './loads.ts';

const load = (await json(process.stdin)) as Load;
console.log(JSON.stringify(await runLoad(load)));
