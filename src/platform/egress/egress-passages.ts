import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import type { RequestContext } from '../context/request-context.js';
import { type Breakers, type CallTarget, FREE_PASSAGE, type Passage } from './breakers.port.js';

/** Lets calls out, past the circuit breakers over their host and over whatever else they go to. */
export abstract class EgressPassages {
  /** @throws Problem `circuit_open` */
  abstract enter(url: URL, named: readonly CallTarget[]): Promise<Passage>;
}

/** For what the operator has named in the settings, such as the key service: the plane, its breakers too, stands on that. */
export const WITHOUT_BREAKERS: EgressPassages = { enter: () => Promise.resolve(FREE_PASSAGE) };

/** Those of the running tenant. What the plane does for nobody meets the operator's. */
export const passagesOf = (breakers: Breakers, context: RequestContext): EgressPassages => ({
  enter: (url, named) => breakers.enter(context.tenantIdOrUndefined ?? OPERATOR_TENANT_ID, [...hostsOf(url), ...named]),
});

function hostsOf(url: URL): CallTarget[] {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  // With the dot of the root it is the same host.
  const name = url.hostname.replace(/\.$/, '');
  return [{ kind: 'host', name }, { kind: 'host', name: `${name}:${port}` }];
}
