import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { Config } from '../config/config.js';
import { poolOptions } from './pool-options.js';
import { SYSTEM_ROLE } from './tenant-table.js';

type Handler = (payload: string) => void;

const RECONNECT_MS = 200;

/**
 * The one connection per process that listens. What comes through it is a hint: whoever subscribes also polls, or
 * stops trusting its cache while `connected` is false.
 */
@Injectable()
export class DatabaseListener implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(DatabaseListener.name);
  private readonly handlers = new Map<string, Handler[]>();
  private readonly reconnectHandlers: (() => void)[] = [];
  private client: pg.Client | undefined;
  private stopped = false;
  private retry: NodeJS.Timeout | undefined;
  private sending: Promise<void> = Promise.resolve();

  constructor(private readonly config: Config) {}

  /** Whether notifications reach this process at the moment. */
  get connected(): boolean {
    return this.client !== undefined;
  }

  /** Registers before the application has started; channels are listened to from then on. */
  on(channel: string, handler: Handler): void {
    this.handlers.set(channel, [...(this.handlers.get(channel) ?? []), handler]);
  }

  /** Called each time the connection is made again: whatever was sent meanwhile has been missed. */
  onReconnect(handler: () => void): void {
    this.reconnectHandlers.push(handler);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retry);
    await this.client?.end();
    this.client = undefined;
  }

  /** Sends on a channel; best effort, for the same reason that receiving is. */
  notify(channel: string, payload: string): void {
    // One after the other: the driver takes no second statement while one runs.
    this.sending = this.sending.then(async () => {
      const client = this.client;
      await client?.query('select pg_notify($1, $2)', [channel, payload]).catch((error: unknown) => (client === this.client ? this.lost(error) : undefined));
    });
  }

  private async connect(): Promise<void> {
    const client = new pg.Client(poolOptions(this.config, SYSTEM_ROLE, 1));
    client.on('error', (error) => this.lost(error));
    client.on('end', () => this.lost(undefined));
    client.on('notification', ({ channel, payload }) => this.handlers.get(channel)?.forEach((handler) => handler(payload ?? '')));
    await client.connect();
    for (const channel of this.handlers.keys()) await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    this.client = client;
    this.reconnectHandlers.forEach((handler) => handler());
  }

  private lost(error: unknown): void {
    if (this.stopped || this.retry) return;
    this.logger.warn(`The listening connection was lost; reconnecting. ${error instanceof Error ? error.message : ''}`);
    const broken = this.client;
    this.client = undefined;
    broken?.end().catch(() => undefined);
    this.reconnectLater();
  }

  private reconnectLater(): void {
    this.retry = setTimeout(() => {
      this.retry = undefined;
      this.connect().catch((error: unknown) => {
        this.logger.warn(`Reconnecting failed: ${error instanceof Error ? error.message : String(error)}`);
        if (!this.stopped && !this.retry) this.reconnectLater();
      });
    }, RECONNECT_MS);
  }
}
