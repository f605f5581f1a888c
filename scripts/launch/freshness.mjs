/** Whether the installation and the build are those of the files that are here now. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from './lock.mjs';

const installStamp = (root) => join(root, 'node_modules', '.installed');
const buildStamp = (root) => join(root, 'dist', '.built');

/** The parts of package.json that decide what is installed; a changed script or description needs no installation. */
const INSTALLING = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies', 'overrides', 'allowScripts'];

/** What the installation must have been made from: package-lock.json, what counts of package.json, the platform. */
export function installHash(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const parts = INSTALLING.map((name) => manifest[name] ?? null);
  return createHash('sha256')
    .update(`${process.platform}/${process.arch}\n${JSON.stringify(parts)}\n`)
    .update(readText(join(root, 'package-lock.json')) ?? '')
    .digest('hex');
}

/** What the build must have been made from: src (unit tests aside), tsconfig*.json, nest-cli.json, package-lock.json. */
export function buildHash(root) {
  const hash = createHash('sha256');
  const add = (path) => {
    const text = readText(join(root, path));
    if (text !== undefined) hash.update(`${path}\0${text.length}\0`).update(text);
  };
  const configs = readdirSync(root).filter(
    (name) => /^tsconfig.*\.json$/.test(name) || name === 'nest-cli.json' || name === 'package-lock.json',
  );
  for (const name of configs.sort()) add(name);
  for (const path of sources(root)) add(path);
  return hash.digest('hex');
}

/** Files under src that the build reads, relative to the root, in a fixed order. */
function sources(root, folder = 'src') {
  if (!existsSync(join(root, folder))) return [];
  const entries = readdirSync(join(root, folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sources(root, path);
    return entry.name.endsWith('.spec.ts') ? [] : [path];
  });
}

/** Whether node_modules is what `npm ci` makes of the files here: by our stamp, or by npm's own record of it. */
export function isInstalled(root) {
  const stamp = readText(installStamp(root));
  if (stamp !== undefined) return stamp === installHash(root);
  if (!installedByHand(root)) return false;
  markInstalled(root);
  return true;
}

/** To be called before npm starts: an interrupted installation must not look like a finished one. */
export function unmarkInstalled(root) {
  rmSync(installStamp(root), { force: true });
  rmSync(join(root, 'node_modules', '.package-lock.json'), { force: true });
}

/** To be called after npm has ended well. */
export function markInstalled(root) {
  writeFileSync(installStamp(root), installHash(root));
}

/**
 * Whether somebody ran `npm ci` themselves. npm writes node_modules/.package-lock.json last; that counts when it has
 * every package of package-lock.json (optional ones of other platforms aside), no other, and none was touched later.
 */
function installedByHand(root) {
  const record = join(root, 'node_modules', '.package-lock.json');
  const [wanted, found] = [packagesIn(join(root, 'package-lock.json')), packagesIn(record)];
  if (!wanted || !found || !declaredAlike(root, wanted['']) || !existsSync(join(root, 'node_modules', 'node', 'bin'))) return false;
  const written = statSync(record).mtimeMs;
  const complete = Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || (found[path] ? found[path].version === version : optional),
  );
  if (!complete || Object.keys(found).some((path) => !wanted[path])) return false;
  return Object.keys(found).every((path) => {
    const folder = statSync(join(root, path), { throwIfNoEntry: false });
    return folder !== undefined && folder.mtimeMs <= written + 2000;
  });
}

/** Whether package.json asks for what the lock file was made for. */
function declaredAlike(root, locked) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const plain = (value) => JSON.stringify(Object.entries(value ?? {}).sort());
  return ['dependencies', 'devDependencies', 'optionalDependencies'].every((name) => plain(manifest[name]) === plain(locked?.[name]));
}

function packagesIn(path) {
  const text = readText(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text).packages;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether dist is the finished build of the files here. */
export function isBuilt(root) {
  return existsSync(join(root, 'dist', 'main.js')) && readText(buildStamp(root)) === buildHash(root);
}

/**
 * To be called before the compiler starts. Without a finished build before, its memory of what it has written goes as
 * well: an interrupted build may have written only a part of that.
 */
export function unmarkBuilt(root) {
  const finished = existsSync(buildStamp(root)) && existsSync(join(root, 'dist', 'main.js'));
  rmSync(buildStamp(root), { force: true });
  if (!finished) rmSync(join(root, 'dist', '.tsbuildinfo'), { force: true });
}

/** To be called after the compiler has ended well, with the hash of what it was given. */
export function markBuilt(root, hash) {
  removeOrphans(root);
  writeFileSync(buildStamp(root), hash);
}

/** Removes what earlier builds made of files that are no longer there: migrations, say, are found by listing a folder. */
function removeOrphans(root, folder = '') {
  for (const entry of readdirSync(join(root, 'dist', folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeOrphans(root, path);
    const match = /^(.*?)(\.d)?\.(js|ts)(\.map)?$/.exec(path);
    if (match && !existsSync(join(root, 'src', `${match[1]}.ts`))) rmSync(join(root, 'dist', path));
  }
}
