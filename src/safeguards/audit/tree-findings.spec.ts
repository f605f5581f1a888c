import { leafHash } from '../../core/audit/merkle.js';
import type { Mark, OpenedRestore } from '../../core/audit/restore-statement.js';
import { findingOf, type TreeMeasure } from './tree-findings.js';
import type { TreeState } from './tree-states.js';

const root = leafHash(Buffer.from('root'));
const other = leafHash(Buffer.from('other'));
const tree = (change: Partial<TreeState> = {}): TreeState => ({ tenantId: 'x', size: 8, root, peaks: root, checkpoint: { size: 8, root, note: 'note' }, leaves: 8, pushed: 8, ...change });
const mark = (size: number): Mark => ({ size, root, time: 'then', note: 'note' });
const measure = (change: Partial<TreeMeasure> = {}): TreeMeasure => ({ mark: mark(8), goesOn: true, isSigned: true, restores: [], ...change });
const accepted = { size: 8, root } as OpenedRestore;

describe('a tree', () => {
  it.each<[string, string | undefined, Partial<TreeState>, Partial<TreeMeasure>]>([
    ['that is what was sealed', undefined, {}, {}],
    ['that nobody knows yet', undefined, {}, { mark: undefined, goesOn: false }],
    ['of a new tenant', undefined, { size: 0, leaves: 0, checkpoint: undefined, pushed: 0 }, { mark: undefined, isSigned: false }],
    ['that is smaller than its mark', 'restored', {}, { mark: mark(9) }],
    ['that does not go on from its mark', 'rewritten', {}, { mark: mark(4), goesOn: false }],
    ['that is no tree', 'rewritten', { peaks: undefined }, {}],
    ['whose leaves end elsewhere', 'cut', { leaves: 9 }, {}],
    ['whose checkpoints end elsewhere', 'cut', { checkpoint: { size: 9, root, note: '' } }, {}],
    ['whose checkpoint says another root', 'rewritten', { checkpoint: { size: 8, root: other, note: '' } }, {}],
    ['whose checkpoint nobody signed', 'unsigned', {}, { isSigned: false }],
    ['whose newest checkpoint is older', 'unsigned', { checkpoint: { size: 7, root: other, note: '' } }, {}],
    ['of which more has left', 'restored', { pushed: 9 }, { mark: undefined }],
    ['that was accepted', undefined, { pushed: 9, checkpoint: undefined }, { isSigned: false, restores: [accepted] }],
    ['that was accepted, and is smaller than a later mark', 'restored', {}, { mark: mark(9), restores: [accepted] }],
  ])('%s: %s', (_, kind, state, measured) => {
    expect(findingOf(tree(state), measure(measured))?.kind).toBe(kind);
  });
});
