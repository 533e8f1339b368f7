/**
 * Fails when a package depends on, or imports, what its level does not allow, and when the graph in ARCHITECTURE.md is old.
 * `node scripts/check-layers.ts [--write] [root]`; `--write` renews the graph.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { drawGraph, markerLine, placeGraph } from './layer-graph.ts';
import { isPlaced, scope, whyForbidden } from './layers.ts';
import { readImports, type SourceImport } from './source-imports.ts';
import { declaredIn, readWorkspaces, type Workspace } from './workspaces.ts';

const isWriting = process.argv.includes('--write');
const root = process.argv.slice(2).find((argument) => !argument.startsWith('--')) ?? '.';

const { root: top, packages } = readWorkspaces(root);
const graph = drawGraph(packages);
const problems = [
  ...packages.flatMap(checkManifest),
  ...packages.flatMap(checkImports),
  // Scripts and examples belong to no package: they live on what the root declares.
  ...['scripts', 'examples']
    .filter((directory) => existsSync(join(root, directory)))
    .flatMap((directory) => checkImports({ ...top, directory })),
  ...checkGraph(),
];

if (problems.length === 0) {
  console.log(graph);
} else {
  for (const problem of problems) console.error(problem);
  process.exitCode = 1;
}

function checkManifest(workspace: Workspace): readonly string[] {
  const { directory, manifest, manifestText, name } = workspace;
  const file = `${directory}/package.json`;
  if (!isPlaced(withoutScope(name)))
    return [`${file}:1: ${name} has no level in scripts/layers.ts`];
  return declaredIn(manifest).flatMap((dependency) => {
    if (!dependency.startsWith(scope)) return [];
    const reason = whyForbidden(withoutScope(name), withoutScope(dependency));
    return reason === undefined ? [] : [`${file}:${lineOf(manifestText, dependency)}: ${reason}`];
  });
}

function checkImports(workspace: Workspace): readonly string[] {
  return readImports(root, workspace.directory).flatMap((found) => {
    const reason = found.specifier.startsWith('.')
      ? whyOutside(workspace, found)
      : whyUndeclared(workspace, found);
    return reason === undefined ? [] : [`${found.file}:${found.line}: ${reason}`];
  });
}

function whyOutside({ directory }: Workspace, found: SourceImport): string | undefined {
  const target = posix.join(posix.dirname(found.file), found.specifier);
  return target.startsWith(`${directory}/`)
    ? undefined
    : `${found.specifier} leaves ${directory}; import the package by its name`;
}

function whyUndeclared(
  { directory, manifest }: Workspace,
  { file, specifier }: SourceImport,
): string | undefined {
  if (specifier.startsWith('node:')) return undefined;
  const parts = specifier.split('/');
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
  if (name.startsWith(scope) && name !== specifier) {
    return `${specifier} reaches into ${name}; import what its index exports`;
  }
  const isTest = /\.(?:test|timing)\.ts$|\/fixtures\//.test(file);
  const available = [
    ...declaredIn(manifest),
    // Test tools are declared once, at the root; our own packages never are.
    ...(isTest ? declaredIn(top.manifest).filter((tool) => !tool.startsWith(scope)) : []),
  ];
  if (available.includes(name)) return undefined;
  const declaring = manifest === top.manifest ? 'package.json' : `${directory}/package.json`;
  return `imports ${name}, which ${declaring} does not declare`;
}

function checkGraph(): readonly string[] {
  const path = join(root, 'ARCHITECTURE.md');
  const document = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const renewed = placeGraph(document, graph);
  if (renewed === undefined)
    return ['ARCHITECTURE.md:1: the markers of the layer graph are missing'];
  if (renewed === document) return [];
  if (isWriting) {
    writeFileSync(path, renewed);
    return [];
  }
  return [`ARCHITECTURE.md:${markerLine(document)}: the layer graph is old; run npm run generate`];
}

function lineOf(text: string, dependency: string): number {
  return text.slice(0, text.indexOf(`"${dependency}"`)).split('\n').length;
}

function withoutScope(name: string): string {
  return name.replace(scope, '');
}
