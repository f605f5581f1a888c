import type { PlaneProcess } from '../../scripts/demo/plane-process.ts';
import { holderOfPort } from '../support/port-holder.ts';
import { SEQUENCER_SESSION, type SequencerSession } from '../support/sequencer-session.ts';
import type { Cluster } from './cluster.ts';

/** The process whose session holds the sequencer's lock: the one that has the other end of that session's connection. */
export async function sequencerHolder(cluster: Cluster): Promise<PlaneProcess | undefined> {
  const [session] = await cluster.query<SequencerSession>(SEQUENCER_SESSION);
  const pid = session && holderOfPort(session.port, cluster.processes.flatMap((process) => process.pid ?? []));
  return cluster.processes.find((process) => pid !== undefined && process.pid === pid);
}
