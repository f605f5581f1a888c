import { median, type Measurement, middleOf } from './stats.ts';

/** One line of the table. */
export interface Row {
  what: string;
  unit: string;
  ours: number;
  peer?: { name: string; value: number };
  /** Ours by theirs, the middle of the pairs; or large by small. */
  ratio?: number;
  p50?: number;
  p99?: number;
  errors: number;
}

/** Ours and the peer's in turns, so that a machine that slows down slows both. */
export async function inPairs(
  what: string,
  unit: string,
  peerName: string,
  rounds: number,
  ours: () => Promise<Measurement>,
  peers: () => Promise<Measurement>,
): Promise<Row> {
  const pairs: { our: Measurement; peer: Measurement }[] = [];
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0 ? await ours() : await peers();
    const second = round % 2 === 0 ? await peers() : await ours();
    pairs.push(round % 2 === 0 ? { our: first, peer: second } : { our: second, peer: first });
  }
  const our = middleOf(pairs.map((pair) => pair.our));
  const ratio = median(pairs.map((pair) => pair.our.perSecond / pair.peer.perSecond));
  const peer = { name: peerName, value: median(pairs.map((pair) => pair.peer.perSecond)) };
  return {
    what,
    unit,
    ours: our.perSecond,
    peer,
    ratio,
    p50: our.p50,
    p99: our.p99,
    errors: our.errors + pairs.reduce((sum, pair) => sum + pair.peer.errors, 0),
  };
}
