import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { consistencyRanges, EMPTY_ROOT, foldPeaks, fullSubtrees, GrowingTree, type Hash, inclusionRanges, leafHash, nodeHash, type Range, verifyConsistency, verifyInclusion } from './merkle.js';

const sha = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
/** MTH(D[n]) as RFC 9162, section 2.1.1 writes it. */
function rootOf(leaves: readonly Hash[]): Hash {
  if (leaves.length === 0) return sha(Buffer.alloc(0));
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha(Buffer.of(1), rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)));
}

const leavesOf = (count: number): Hash[] => Array.from({ length: count }, (_, index) => leafHash(Buffer.from(`row ${index}`)));

/** A tree with all its full subtrees, as the sequencer stores them. */
function grown(count: number): { tree: GrowingTree; hashOf: (range: Range) => Hash } {
  const tree = new GrowingTree();
  const nodes = new Map<string, Hash>();
  leavesOf(count).forEach((leaf, index) => {
    nodes.set(`0 ${index}`, leaf);
    for (const node of tree.append(leaf)) nodes.set(`${node.level} ${node.index}`, node.hash);
  });
  return { tree, hashOf: (range) => foldPeaks(fullSubtrees(range).map(({ level, index }) => nodes.get(`${level} ${index}`)!)) };
}

const flipped = (hash: Hash): Hash => Buffer.from(hash.map((byte, index) => (index === 0 ? byte ^ 1 : byte)));

describe('the Merkle tree', () => {
  it('hashes as the test vectors of Certificate Transparency say', () => {
    expect(EMPTY_ROOT.toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(leafHash(Buffer.alloc(0)).toString('hex')).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const tree = new GrowingTree();
    const roots = inputs.map((input) => {
      tree.append(leafHash(Buffer.from(input, 'hex')));
      return tree.root().toString('hex');
    });
    expect([roots[0], roots[7]]).toEqual(['6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d', '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328']);
  });

  it('has the root of the definition at every size, also when it is taken up again', () => {
    let tree = new GrowingTree();
    leavesOf(70).forEach((leaf, index) => {
      tree = new GrowingTree(tree.size, tree.state);
      tree.append(leaf);
      expect(tree.root()).toEqual(rootOf(leavesOf(index + 1)));
    });
    expect(() => new GrowingTree(3, Buffer.alloc(32))).toThrow(RangeError);
  });

  it('proves that each leaf is in the tree, at every size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), (size, chosen) => {
        const index = chosen % size;
        const { tree, hashOf } = grown(size);
        const path = inclusionRanges(index, size).map(hashOf);
        const proof = { leaf: leavesOf(size)[index]!, index, size, path, root: tree.root() };
        expect(verifyInclusion(proof)).toBe(true);
        expect(verifyInclusion({ ...proof, leaf: flipped(proof.leaf) })).toBe(false);
        expect(verifyInclusion({ ...proof, root: flipped(proof.root) })).toBe(false);
        expect(verifyInclusion({ ...proof, index: size })).toBe(false);
        expect(verifyInclusion({ ...proof, path: [...path, proof.leaf] })).toBe(false);
        if (path.length > 0) expect(verifyInclusion({ ...proof, path: path.slice(1) })).toBe(false);
        path.forEach((hash, at) => expect(verifyInclusion({ ...proof, path: path.with(at, flipped(hash)) })).toBe(false));
        if (size > 1) expect(verifyInclusion({ ...proof, index: (index + 1) % size })).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('proves that each earlier tree is the beginning of each later one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), (to, chosen) => {
        const from = (chosen % to) + 1;
        const { tree, hashOf } = grown(to);
        const path = consistencyRanges(from, to).map(hashOf);
        const proof = { from, to, path, fromRoot: rootOf(leavesOf(from)), toRoot: tree.root() };
        expect(verifyConsistency(proof)).toBe(true);
        expect(verifyConsistency({ ...proof, fromRoot: flipped(proof.fromRoot) })).toBe(false);
        expect(verifyConsistency({ ...proof, toRoot: flipped(proof.toRoot) })).toBe(false);
        expect(verifyConsistency({ ...proof, path: [...path, proof.toRoot] })).toBe(false);
        path.forEach((hash, at) => expect(verifyConsistency({ ...proof, path: path.with(at, flipped(hash)) })).toBe(false));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps leaves and nodes apart', () => {
    const [left, right] = leavesOf(2) as [Hash, Hash];
    expect(leafHash(Buffer.concat([left, right]))).not.toEqual(nodeHash(left, right));
  });

  it('proves nothing that is not there', () => {
    expect(() => inclusionRanges(3, 3)).toThrow(RangeError);
    expect(() => consistencyRanges(4, 3)).toThrow(RangeError);
    expect(() => consistencyRanges(0, 3)).toThrow(RangeError);
    expect(verifyConsistency({ from: 5, to: 3, path: [], fromRoot: EMPTY_ROOT, toRoot: EMPTY_ROOT })).toBe(false);
  });
});
