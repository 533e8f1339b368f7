/** The workspaces of a repository, as their package.json files tell. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One package.json, with its text for line numbers. */
export interface Workspace {
  /** Full name, such as `@modelhost/kernel`. */
  readonly name: string;
  /** Folder relative to the root, with `/`; empty for the root itself. */
  readonly directory: string;
  readonly manifest: Manifest;
  readonly manifestText: string;
}

/** What the checks read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly workspaces?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The root and every workspace below it, sorted by folder. Knows the patterns `folder` and `folder/*` only. */
export function readWorkspaces(root: string): {
  readonly root: Workspace;
  readonly packages: readonly Workspace[];
} {
  const top = readWorkspace(root, '');
  const directories = (top.manifest.workspaces ?? []).flatMap((pattern) => expand(root, pattern));
  const packages = directories.sort().map((directory) => readWorkspace(root, directory));
  return { root: top, packages };
}

/** Names of everything that a package.json declares, of whatever kind. */
export function declaredIn(manifest: Manifest): readonly string[] {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest;
  return [dependencies, devDependencies, optionalDependencies, peerDependencies].flatMap((kind) =>
    Object.keys(kind ?? {}),
  );
}

function expand(root: string, pattern: string): readonly string[] {
  const folder = pattern.replace(/\/\*$/, '');
  const candidates = pattern.endsWith('/*')
    ? readdirSync(join(root, folder)).map((entry) => `${folder}/${entry}`)
    : [folder];
  return candidates.filter((directory) => existsSync(join(root, directory, 'package.json')));
}

function readWorkspace(root: string, directory: string): Workspace {
  const manifestText = readFileSync(join(root, directory, 'package.json'), 'utf8');
  // Our own manifests: npm has refused the ones without a name or with other shapes.
  const manifest = JSON.parse(manifestText) as Manifest;
  return { name: manifest.name, directory, manifest, manifestText };
}
