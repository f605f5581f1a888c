import { isId } from '../../core/ids.js';
import { invalidField } from '../../core/problem.js';
import { type CallTarget, TARGET_KINDS, type TargetKind } from '../../platform/egress/breakers.port.js';

const KIND = new RegExp(`^(${TARGET_KINDS.join('|')}):(.*)$`, 's');

/**
 * Reads a target as people write it: `kind:name`, and a host where no kind is named.
 * @throws Problem `invalid_request`
 */
export function parseTarget(text: string): CallTarget {
  const [, kind = 'host', name = text] = KIND.exec(text.trim()) ?? [];
  return { kind: kind as TargetKind, name: nameOf(kind as TargetKind, name.trim()) };
}

export const targetText = ({ kind, name }: CallTarget): string => `${kind}:${name}`;

function nameOf(kind: TargetKind, name: string): string {
  if (name === '') throw invalidField('target', 'target', 'must be kind:name');
  if (kind === 'host') return hostOf(name);
  if (kind !== 'agent') return name;
  if (!isId(name)) throw invalidField('target', 'target', 'names an agent by its id');
  return name.toLowerCase();
}

/** As a URL has it, so that it is found again: in lower case, and without the port and the dot that go without saying. */
function hostOf(name: string): string {
  const url = URL.canParse(`https://${name}`) ? new URL(`https://${name}`) : undefined;
  const plain = url && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '' && !/[/:]$/.test(name);
  if (!url || !plain || url.hostname === '') throw invalidField('target', 'target', 'must be kind:name; a host is a name, or a name and a port');
  // The port of https is left out of a URL; written out, it is meant.
  const port = /:(\d+)$/.exec(name)?.[1];
  const host = url.hostname.replace(/\.$/, '');
  if (host === '') throw invalidField('target', 'target', 'must be kind:name; a host is a name, or a name and a port');
  return port === undefined ? host : `${host}:${Number(port)}`;
}
