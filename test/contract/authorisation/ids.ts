const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Each place where one could begin, whatever stands around it. */
const ANY_UUID = /(?=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))/g;

/** Ids to look for in texts, thousands of them in thousands of texts. */
export class Ids {
  private readonly uuids = new Set<string>();
  private readonly others = new Set<string>();

  constructor(...ids: string[]) {
    for (const id of ids) this.add(id);
  }

  add(id: string): this {
    (UUID.test(id) ? this.uuids : this.others).add(id);
    return this;
  }

  /** Whether a text holds any of them. */
  isIn(text: string): boolean {
    for (const [, id = ''] of text.matchAll(ANY_UUID)) if (this.uuids.has(id)) return true;
    return [...this.others].some((id) => text.includes(id));
  }
}
