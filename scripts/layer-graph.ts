/** The picture of the layers in ARCHITECTURE.md, drawn from the package.json files. */
import { levels, outside, scope } from './layers.ts';
import type { Workspace } from './workspaces.ts';

const opening = '<!-- layers: written by `npm run generate`, checked by `npm run check` -->';
const closing = '<!-- /layers -->';

/** Mermaid text. An arrow that follows from two others is not drawn. */
export function drawGraph(packages: readonly Workspace[]): string {
  const edges = new Map(packages.map((workspace) => [shortName(workspace), targetsOf(workspace)]));
  const present = (names: readonly string[]) => names.filter((name) => edges.has(name));
  const groups = [
    ...levels.map((names, index) => ({ title: `level ${index + 1}`, names: present(names) })),
    { title: 'beside the levels', names: present(outside) },
  ];
  const boxes = groups
    .filter(({ names }) => names.length > 0)
    .toReversed()
    .flatMap(({ title, names }, index) => [
      `  subgraph box${index}["${title}"]`,
      ...names.map((name) => `    ${name}`),
      '  end',
    ]);
  const arrows = [...edges].flatMap(([from, targets]) =>
    targets.filter((to) => !isImplied(edges, targets, to)).map((to) => `  ${from} --> ${to}`),
  );
  return ['```mermaid', 'flowchart TB', ...boxes, ...arrows.sort(), '```'].join('\n');
}

/** The document with the graph between its markers; undefined when it has no markers. */
export function placeGraph(document: string, graph: string): string | undefined {
  const start = document.indexOf(opening);
  const end = document.indexOf(closing);
  if (start < 0 || end < start) return undefined;
  return `${document.slice(0, start)}${opening}\n${graph}\n${document.slice(end)}`;
}

/** Where the marker stands, from 1; 1 when there is none. */
export function markerLine(document: string): number {
  return document.slice(0, Math.max(document.indexOf(opening), 0)).split('\n').length;
}

function isImplied(
  edges: ReadonlyMap<string, readonly string[]>,
  targets: readonly string[],
  to: string,
): boolean {
  return targets.some((other) => other !== to && reaches(edges, other, to, new Set()));
}

function reaches(
  edges: ReadonlyMap<string, readonly string[]>,
  from: string,
  to: string,
  seen: Set<string>,
): boolean {
  // Broken trees may hold circles; they are reported elsewhere and must not hang the drawing.
  if (seen.has(from)) return false;
  seen.add(from);
  return (edges.get(from) ?? []).some((next) => next === to || reaches(edges, next, to, seen));
}

function targetsOf({ manifest }: Workspace): readonly string[] {
  return Object.keys(manifest.dependencies ?? {})
    .filter((name) => name.startsWith(scope))
    .map((name) => name.slice(scope.length));
}

function shortName({ name }: Workspace): string {
  return name.slice(scope.length);
}
