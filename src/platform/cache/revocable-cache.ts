import { LRUCache } from 'lru-cache';

/** No answer from a cache is older; also the longest that a revocation waits for a process that does not confirm. */
export const MAX_AGE_MS = 2_000;
const MOST_ENTRIES = 50_000;

interface Entry<V> {
  value: V;
  tags: readonly string[];
}

/**
 * Answers of a look-up, kept for at most two seconds and dropped at once when something they rest on is revoked.
 * Each answer names what it rests on by tags (`agent:<id>`, `tenant:<id>`). Misses are not kept.
 */
export class RevocableCache<V extends object> {
  private readonly entries = new LRUCache<string, Entry<V>>({
    // Not `max`, which sets the room for all of them aside at once: in each cache of each process, two megabytes.
    maxSize: MOST_ENTRIES,
    sizeCalculation: () => 1,
    ttl: MAX_AGE_MS,
    // Its age is measured at each use: a process that was stopped for a while and goes on must not take the time from before.
    ttlResolution: 0,
    dispose: (entry, key) => this.untag(key, entry.tags),
  });
  private readonly keysByTag = new Map<string, Set<string>>();
  private loading = new Map<string, Promise<V | undefined>>();
  private epoch = 0;

  /**
   * @param load the look-up itself
   * @param tagsOf what an answer rests on
   * @param trusted whether revocations reach this process now; while they do not, every call looks up
   */
  constructor(
    private readonly load: (key: string) => Promise<V | undefined>,
    private readonly tagsOf: (value: V) => readonly string[],
    private readonly trusted: () => boolean,
  ) {}

  async get(key: string): Promise<V | undefined> {
    if (!this.trusted()) return this.load(key);
    const known = this.entries.get(key);
    if (known) return known.value;
    const running = this.loading.get(key);
    if (running) return running;
    const started = this.loadAndKeep(key).finally(() => {
      if (this.loading.get(key) === started) this.loading.delete(key);
    });
    this.loading.set(key, started);
    return started;
  }

  /** Forgets what rests on any of the tags. A look-up that is under way now is answered but not kept nor shared. */
  revoke(tags: readonly string[]): void {
    this.epoch += 1;
    this.loading = new Map();
    for (const tag of tags) for (const key of [...(this.keysByTag.get(tag) ?? [])]) this.entries.delete(key);
  }

  clear(): void {
    this.epoch += 1;
    this.loading = new Map();
    this.entries.clear();
  }

  private async loadAndKeep(key: string): Promise<V | undefined> {
    const epoch = this.epoch;
    const value = await this.load(key);
    if (value === undefined || epoch !== this.epoch) return value;
    const tags = this.tagsOf(value);
    this.entries.set(key, { value, tags });
    for (const tag of tags) {
      const keys = this.keysByTag.get(tag) ?? new Set();
      this.keysByTag.set(tag, keys.add(key));
    }
    return value;
  }

  private untag(key: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const keys = this.keysByTag.get(tag);
      keys?.delete(key);
      if (keys?.size === 0) this.keysByTag.delete(tag);
    }
  }
}
