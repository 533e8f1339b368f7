/** Who may import whom: the one table of the levels. */

/** Prefix of the names of our own packages. */
export const scope = '@modelhost/';

/** The levels from the bottom up. A new package gets its line here before it can be imported. */
export const levels: readonly (readonly string[])[] = [
  ['kernel', 'contracts', 'timing'],
  ['json-schema', 'shown-text', 'resilience', 'policy-bundle', 'redaction'],
  ['agent-core', 'llm-providers', 'mcp-gateway', 'policy-engine', 'audit', 'engine-embedded'],
  ['keys-file', 'decision-log', 'sdk', 'store-sqlite'],
  ['host'],
  ['cli'],
];

/** Packages beside the levels: nobody imports them. */
export const outside: readonly string[] = ['testkit', 'bench'];

/** Levels 1 to 4: everything that is not an app. */
const parts = levels.slice(0, 4).flat();

/** Packages that may import exactly these, instead of everything on a lower level. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  sdk: ['contracts'],
  cli: [...levels.slice(0, 3).flat(), 'sdk', 'host'],
  testkit: parts,
  bench: parts,
};

/** Why one of our packages may not import another, both without scope; undefined when it may. */
export function whyForbidden(importer: string, imported: string): string | undefined {
  const level = levelOf(importer);
  const allowed = exceptions[importer] ?? levels.slice(0, Math.max(level, 0)).flat();
  if (allowed.includes(imported)) return undefined;
  return `${describe(importer)} must not import ${describe(imported)}`;
}

/** Whether a package has its place in the table. */
export function isPlaced(name: string): boolean {
  return levelOf(name) >= 0 || outside.includes(name);
}

function levelOf(name: string): number {
  return levels.findIndex((level) => level.includes(name));
}

function describe(name: string): string {
  const level = levelOf(name);
  return level < 0 ? `${scope}${name} (no level)` : `${scope}${name} (level ${level + 1})`;
}
