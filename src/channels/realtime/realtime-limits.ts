import { Injectable } from '@nestjs/common';

/** What one socket, one credential and one process may take. */
@Injectable()
export class RealtimeLimits {
  /** A socket that has not said who it is by then is closed. */
  authenticateMs = 10_000;
  /** Pause between two signs of life; a peer that answers none in between is gone. Credentials are looked at again as often. */
  keepaliveMs = 25_000;
  /** More than this unread, and the client reads too slowly. Facts come in batches of 500: a client that reads has room for one. */
  mostUnreadBytes = 4_194_304;
  mostMessageBytes = 65_536;
  /** Messages a client may send at once, and per second in the long run. */
  burst = 60;
  messagesPerSecond = 20;
  mostSubscriptions = 100;
  mostHeldEvents = 1_000;
  mostPerCredential = 50;
  mostUnknownPerAddress = 200;
  mostSockets = 10_000;
}
