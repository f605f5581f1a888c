import { registerHooks } from 'node:module';

/**
 * Changes modules of the plane as they are loaded.
 * @param {{ file: string, edits: [was: string, is: string][] }[]} changes by the end of the module's URL
 * @throws Error, in the plane, where a place is not what it was
 */
export function editSources(changes) {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const edits = changes.filter(({ file }) => url.endsWith(file)).flatMap((change) => change.edits);
      if (edits.length === 0) return loaded;
      let source = String(loaded.source);
      for (const [was, is] of edits) {
        if (!source.includes(was)) throw new Error(`what is to be changed is not where it was: ${was}`);
        source = source.replace(was, () => is);
      }
      return { ...loaded, source };
    },
  });
}
