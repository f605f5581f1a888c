import { Injectable } from '@nestjs/common';

/**
 * A lane may be removed only when no process can still use its id unseen. Its mark as idle is public for `removeAfterMs`;
 * who looks a lane up takes the mark off, and who knows its id by heart forgets it after `knownMs`, which is much less.
 * The rest of the time is for the transaction that an id was looked up for.
 */
@Injectable()
export class LaneTimes {
  knownMs = 60_000;
  removeAfterMs = 300_000;
}
