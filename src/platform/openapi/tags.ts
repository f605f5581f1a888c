import { type OpenApiDocument, operationsOf } from './document.types.js';

/** The wings in their order, with what each is for. A tag reads `Wing / Domain`. */
const WINGS: Readonly<Record<string, string>> = {
  Identity: 'who calls: tenants, people, sessions, keys',
  Fleet: 'the agents and the boards they work on',
  Safeguards: 'what holds agents back, and the record of what was done',
  Work: 'tasks, and the protocol by which agents take them',
  Records: 'what happened in runs, and what it cost',
  Channels: 'the ways in and out: events, webhooks, messages',
  Library: 'knowledge, files and reviews',
  Operations: 'running the installation itself',
};
const WING_NAMES = Object.keys(WINGS);

const wingOf = (tag: string): string => tag.split(' / ')[0] ?? tag;
const rankOf = (tag: string): number => (WING_NAMES.indexOf(wingOf(tag)) + WING_NAMES.length) % (WING_NAMES.length + 1);

/** Lists the tags that operations use, wing by wing, and groups them for readers that know `x-tagGroups`. */
export function groupTags(document: OpenApiDocument): void {
  const used = [...new Set(operationsOf(document).flatMap(({ operation }) => operation.tags ?? []))].sort((a, b) => rankOf(a) - rankOf(b) || a.localeCompare(b, 'en'));
  document.tags = used.map((name) => ({ name, description: `${name.split(' / ')[1] ?? name}. ${wingOf(name)}: ${WINGS[wingOf(name)] ?? 'other operations'}.` }));
  document['x-tagGroups'] = [...new Set(used.map(wingOf))].map((wing) => ({ name: wing, tags: used.filter((tag) => wingOf(tag) === wing) }));
}
