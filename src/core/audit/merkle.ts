import { hash as digest } from 'node:crypto';

/**
 * The Merkle tree of RFC 9162, section 2.1 (the same as in RFC 6962), over SHA-256. Leaves and nodes are hashed with
 * different first bytes, so that no node can pass for a leaf.
 */
export type Hash = Buffer;

/** Leaves from `start` up to `end`, which is not among them. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A full subtree: the 2^level leaves from index * 2^level on. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

/** A full subtree that a new leaf completes. */
export interface CompletedNode extends NodeId {
  readonly hash: Hash;
}

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);
/** Root of the tree without leaves. */
export const EMPTY_ROOT: Hash = sha256(Buffer.alloc(0));
export const HASH_BYTES = 32;

function sha256(...parts: readonly Buffer[]): Hash {
  return digest('sha256', Buffer.concat(parts), 'buffer');
}

export function leafHash(data: Buffer): Hash {
  return sha256(LEAF, data);
}

export function nodeHash(left: Hash, right: Hash): Hash {
  return sha256(NODE, left, right);
}

/** A tree that grows at its right end. It holds the roots of its full subtrees, at most one for each level. */
export class GrowingTree {
  private readonly peaks: { level: number; hash: Hash }[] = [];

  /** @param peaks as `state` gave them for a tree of this size */
  constructor(
    private count = 0,
    peaks: Buffer = Buffer.alloc(0),
  ) {
    const levels = levelsOf(count);
    if (peaks.length !== levels.length * HASH_BYTES) throw new RangeError(`A tree of ${count} leaves has ${levels.length} peaks.`);
    levels.forEach((level, index) => this.peaks.push({ level, hash: peaks.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES) }));
  }

  get size(): number {
    return this.count;
  }

  /** The peaks, the widest first: with the size all that is needed to go on. */
  get state(): Buffer {
    return Buffer.concat(this.peaks.map(({ hash }) => hash));
  }

  /** Adds a leaf. @returns the full subtrees that it completes, the leaf itself not among them */
  append(leaf: Hash): CompletedNode[] {
    const made: CompletedNode[] = [];
    let node = { level: 0, hash: leaf };
    for (let left = this.peaks.at(-1); left?.level === node.level; left = this.peaks.at(-1)) {
      this.peaks.pop();
      node = { level: node.level + 1, hash: nodeHash(left.hash, node.hash) };
      made.push({ ...node, index: Math.floor(this.count / 2 ** node.level) });
    }
    this.peaks.push(node);
    this.count += 1;
    return made;
  }

  root(): Hash {
    return foldPeaks(this.peaks.map(({ hash }) => hash));
  }
}

/** Levels of the full subtrees that a tree of this size consists of, the widest first. */
function levelsOf(size: number): number[] {
  return fullSubtrees({ start: 0, end: size }).map(({ level }) => level);
}

/** The root over full subtrees that stand side by side, each narrower than the one before it. */
export function foldPeaks(peaks: readonly Hash[]): Hash {
  return peaks.length === 0 ? EMPTY_ROOT : peaks.reduceRight((right, left) => nodeHash(left, right));
}

/** The full subtrees that make up a range which a proof asks for, from left to right. */
export function fullSubtrees({ start, end }: Range): NodeId[] {
  const nodes: NodeId[] = [];
  for (let at = start; at < end; ) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level += 1;
    nodes.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return nodes;
}

/** The largest power of two below `size` (which is at least 2). */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** PATH(m, D[n]): the ranges whose roots prove that leaf `index` is in the tree of `size`, the deepest first. */
export function inclusionRanges(index: number, size: number): Range[] {
  if (!(index >= 0 && index < size)) throw new RangeError('The leaf is not in the tree.');
  const ranges: Range[] = [];
  for (let start = 0, end = size; end - start > 1; ) {
    const middle = start + splitOf(end - start);
    ranges.unshift(index < middle ? { start: middle, end } : { start, end: middle });
    if (index < middle) end = middle;
    else start = middle;
  }
  return ranges;
}

/** PROOF(m, D[n]): the ranges whose roots prove that the tree of size `from` is the beginning of the one of size `to`. */
export function consistencyRanges(from: number, to: number): Range[] {
  if (!(from > 0 && from <= to)) throw new RangeError('A consistency proof leads from a smaller tree to a larger one.');
  const ranges: Range[] = [];
  let [start, end, whole] = [0, to, true];
  while (from < end) {
    const middle = start + splitOf(end - start);
    if (from <= middle) {
      ranges.unshift({ start: middle, end });
      end = middle;
    } else {
      ranges.unshift({ start, end: middle });
      start = middle;
      whole = false;
    }
  }
  return whole ? ranges : [{ start, end }, ...ranges];
}

/** RFC 9162, section 2.1.3.2. */
export function verifyInclusion(proof: { leaf: Hash; index: number; size: number; path: readonly Hash[]; root: Hash }): boolean {
  const { leaf, index, size, path, root } = proof;
  if (!(index >= 0 && index < size)) return false;
  let [position, last, hash] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return false;
    if (position % 2 === 1 || position === last) {
      hash = nodeHash(sibling, hash);
      while (position % 2 === 0 && position !== 0) [position, last] = [half(position), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 && hash.equals(root);
}

/** RFC 9162, section 2.1.4.2. */
export function verifyConsistency(proof: { from: number; to: number; path: readonly Hash[]; fromRoot: Hash; toRoot: Hash }): boolean {
  const { from, to, fromRoot, toRoot } = proof;
  if (from === to) return proof.path.length === 0 && fromRoot.equals(toRoot);
  if (!(from > 0 && from < to)) return false;
  const path = Number.isInteger(Math.log2(from)) ? [fromRoot, ...proof.path] : [...proof.path];
  const first = path.shift();
  if (!first) return false;
  let [position, last] = [from - 1, to - 1];
  while (position % 2 === 1) [position, last] = [half(position), half(last)];
  let [old, grown] = [first, first];
  for (const sibling of path) {
    if (last === 0) return false;
    if (position % 2 === 1 || position === last) {
      [old, grown] = [nodeHash(sibling, old), nodeHash(sibling, grown)];
      while (position % 2 === 0 && position !== 0) [position, last] = [half(position), half(last)];
    } else {
      grown = nodeHash(grown, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 && old.equals(fromRoot) && grown.equals(toRoot);
}

const half = (value: number): number => Math.floor(value / 2);
