import type { Finding } from '../../core/audit/log-verifier.js';
import type { Mark, OpenedRestore } from '../../core/audit/restore-statement.js';
import type { TreeState } from './tree-states.js';

/** What a tree is measured against. */
export interface TreeMeasure {
  mark: Mark | undefined;
  /** Whether the tree is shown to go on from the mark. */
  goesOn: boolean;
  /** Whether the newest checkpoint is signed by this installation, as one of this log. */
  isSigned: boolean;
  restores: readonly OpenedRestore[];
}

type TreeFinding = Pick<Finding, 'kind' | 'seq' | 'detail'>;

/** @returns why a tree is not to be extended, or undefined */
export function findingOf(state: TreeState, { mark, goesOn, isSigned, restores }: TreeMeasure): TreeFinding | undefined {
  const { size, root, checkpoint, pushed } = state;
  if (mark && state.peaks && size < mark.size) {
    return { kind: 'restored', seq: size, detail: `The log ends before row ${size}; a checkpoint of ${mark.size} rows had been sealed: an older state was put back, or the log taken away.` };
  }
  const broken = brokenParts(state);
  if (broken) return broken;
  if (mark && !goesOn) {
    return { kind: 'rewritten', seq: 0, detail: `Of the rows 0 to ${mark.size - 1} at least one is not what the checkpoint of ${mark.size} rows was made of that had been sealed: another log was put in place of this one.` };
  }
  const isAccepted = restores.some((restore) => restore.size === size && restore.root.equals(root));
  if (isAccepted) return undefined;
  if (size > 0 && !(isSigned && checkpoint?.size === size)) {
    return { kind: 'unsigned', seq: checkpoint?.size ?? 0, detail: `The log of ${size} rows has no checkpoint that this installation has signed.` };
  }
  return pushed <= size ? undefined : { kind: 'restored', seq: size, detail: `A checkpoint of ${pushed} rows has left this installation; the log ends before row ${size}: an older state was put back, or the log taken away.` };
}

/** What keeps any row from being added: parts of the log that do not belong together. */
export function brokenParts({ size, root, peaks, leaves, checkpoint }: TreeState): TreeFinding | undefined {
  if (!peaks) return { kind: 'rewritten', seq: 0, detail: 'What the database says of the tree is no tree.' };
  const end = Math.max(leaves, checkpoint?.size ?? 0);
  if (leaves !== size || end > size) return { kind: 'cut', seq: Math.min(size, leaves), detail: `The parts of the log end at different places: the tree at ${size} rows, the leaves at ${leaves}, the checkpoints at ${checkpoint?.size ?? 0}.` };
  if (checkpoint?.size === size && !checkpoint.root.equals(root)) return { kind: 'rewritten', seq: 0, detail: `The tree of ${size} rows does not have the root that its checkpoint says.` };
  return undefined;
}
