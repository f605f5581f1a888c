/** What the demo's agents run for each task: hashes the file that the task on stdin names, and counts its lines. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { json } from 'node:stream/consumers';

const LINE_FEED = 10;
const task = await json(process.stdin);
const hash = createHash('sha256');
let bytes = 0;
let lines = 0;
let last = LINE_FEED;
for await (const chunk of createReadStream(task.payload.path)) {
  hash.update(chunk);
  bytes += chunk.length;
  for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) lines += 1;
  last = chunk.at(-1);
}
// A last line without a line feed is one too.
if (last !== LINE_FEED) lines += 1;
console.log(JSON.stringify({ sha256: hash.digest('hex'), lines, bytes }));
