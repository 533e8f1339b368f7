import { encodeBundle } from '@modelhost/policy-bundle';
import type { BundleFile, BundleManifest, BundleScope } from '@modelhost/policy-bundle';
import { cedarVersion } from '@modelhost/policy-engine';
import type { PolicyProblem } from '@modelhost/policy-engine';
import { HostError } from '@modelhost/kernel';
import { isDocument, isMap, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { readVersion } from '../version.ts';

/** What `bundle.yaml` says: everything of a manifest that is not settled by building it. */
export interface BundleSettings {
  readonly name: string;
  readonly scope: BundleScope;
  readonly mode: 'enforce' | 'shadow';
  /** How long a bundle counts after it was built. */
  readonly validityDays: number;
  readonly requires: { readonly host: string; readonly cedar: string };
  readonly canary: readonly string[];
}

/** What is settled by building a bundle. */
export interface BuildFacts {
  readonly revision: number;
  readonly notBeforeMs: number;
}

/** The name of the file. */
export const settingsFile = 'bundle.yaml';

const keys = ['name', 'scope', 'mode', 'validityDays', 'requires', 'canary'];
const requiresKeys = ['host', 'cedar'];
const validityDaysMax = 3_650;
const textLengthMax = 65_536;
const dayMs = 86_400_000;

/** The settings, or everything that is wrong with them. */
export type SettingsReading =
  | { readonly type: 'read'; readonly settings: BundleSettings }
  | { readonly type: 'wrong'; readonly problems: readonly PolicyProblem[] };

/** Reads `bundle.yaml` as strictly as a host reads a manifest, with the place of each mistake. */
export async function readBundleYaml(text: string): Promise<SettingsReading> {
  const lines = new LineCounter();
  const document = parse(text, lines);
  if (!isDocument(document)) return wrong(document);
  const problems: PolicyProblem[] = [];
  const report = (path: readonly string[], message: string, remedy: string): void => {
    problems.push(problemAt(placeOf(document, path, lines), message, remedy));
  };
  if (!isMap(document.contents)) {
    report([], 'must be a map', `give at least \`name: base\``);
    return wrong(problems);
  }
  const value = toObject(document);
  if (value === undefined) {
    report([], 'has too many aliases', 'write them out');
    return wrong(problems);
  }
  await refuseOthers(value, { path: [], known: keys, report });
  const requires = value['requires'];
  if (isRecord(requires)) {
    await refuseOthers(requires, { path: ['requires'], known: requiresKeys, report });
  }
  const { validityDays = 90, canary = [] } = value;
  if (!isDays(validityDays)) {
    report(
      ['validityDays'],
      `validityDays: must be a whole number from 1 to ${validityDaysMax}`,
      'correct it',
    );
  }
  if (!Array.isArray(canary)) report(['canary'], 'canary: must be a list of tenants', 'correct it');
  if (problems.length > 0) return wrong(problems);
  const settings = withDefaults(value);
  const misfit = findMisfit(settings);
  if (misfit === undefined) return { type: 'read', settings };
  const [field = ''] = misfit.split(/[.:[]/, 1);
  report([field], misfit.replace(/; correct it and build the bundle again$/, ''), 'correct it');
  return wrong(problems);
}

/** The manifest of a bundle that is built now. */
export function manifestOf(
  { validityDays, ...settings }: BundleSettings,
  { revision, notBeforeMs }: BuildFacts,
): BundleManifest {
  return {
    formatVersion: 1,
    ...settings,
    revision,
    notBefore: toSeconds(notBeforeMs),
    expires: toSeconds(notBeforeMs + validityDays * dayMs),
  };
}

/** The canonical payload of the bundle. Throws `validation_failed` for what no host would take. */
export function encodeProject(
  settings: BundleSettings,
  files: readonly BundleFile[],
  facts: BuildFacts,
): Buffer {
  return encodeBundle(manifestOf(settings, facts), files);
}

function withDefaults(value: Readonly<Record<string, unknown>>): BundleSettings {
  const here = { host: readVersion(), cedar: cedarVersion };
  const requires = value['requires'] ?? {};
  // The kinds of the rest are checked by whoever encodes a manifest, before anybody else reads them.
  return {
    scope: 'platform',
    mode: 'enforce',
    validityDays: 90,
    canary: [],
    ...value,
    requires: isRecord(requires) ? { ...here, ...requires } : requires,
  } as unknown as BundleSettings;
}

/** The first thing that no host would take, in the words of those who check bundles. */
function findMisfit(settings: BundleSettings): string | undefined {
  try {
    const facts = { revision: 1, notBeforeMs: 0 };
    encodeProject(settings, [{ path: 'changelog.md', content: '' }], facts);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof HostError) return thrown.message;
    throw thrown;
  }
}

async function refuseOthers(
  value: Readonly<Record<string, unknown>>,
  {
    path,
    known,
    report,
  }: {
    readonly path: readonly string[];
    readonly known: readonly string[];
    readonly report: (path: readonly string[], message: string, remedy: string) => void;
  },
): Promise<void> {
  for (const key of Object.keys(value).filter((name) => !known.includes(name))) {
    // Only a mistake is worth loading all of this for.
    const { nearest } = await import('@modelhost/policy-engine');
    const guess = nearest(key, known);
    const remedy =
      guess === undefined
        ? `there is ${known.join(', ')}`
        : `did you mean ${JSON.stringify(guess)}?`;
    report([...path, key], `${[...path, key].join('.')}: unknown key`, remedy);
  }
}

function parse(text: string, lines: LineCounter): Document | readonly PolicyProblem[] {
  if (text.length > textLengthMax) {
    return [problemAt([0, 0], `longer than ${textLengthMax} characters`, 'shorten it')];
  }
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const [error] = [...document.errors, ...document.warnings];
    if (error === undefined) return document;
    const { line, col } = lines.linePos(error.pos[0]);
    return [problemAt([line, col], `is no YAML: ${error.message}`, 'correct it')];
  } catch {
    // The parser goes one call deeper for each level.
    return [problemAt([0, 0], 'nested too deeply', 'correct it')];
  }
}

function toObject(document: Document): Readonly<Record<string, unknown>> | undefined {
  try {
    // A map of YAML without tags is an object of JSON.
    return document.toJS({ maxAliasCount: 10 }) as Readonly<Record<string, unknown>>;
  } catch {
    // Aliases that multiply.
    return undefined;
  }
}

/** Of the key, else of the whole. */
function placeOf(
  document: Document,
  path: readonly string[],
  lines: LineCounter,
): readonly [line: number, column: number] {
  const above = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const pair = isMap(above)
    ? above.items.find(({ key }) => String(key) === path.at(-1))
    : undefined;
  const range: unknown = Reflect.get(Object(pair?.key), 'range');
  const offset: unknown = Array.isArray(range) ? range[0] : 0;
  const { line, col } = lines.linePos(typeof offset === 'number' ? offset : 0);
  return [Math.max(1, line), Math.max(1, col)];
}

function problemAt(
  [line, column]: readonly [number, number],
  message: string,
  remedy: string,
): PolicyProblem {
  return { file: settingsFile, line, column, severity: 'error', message, remedy };
}

function wrong(problems: readonly PolicyProblem[]): SettingsReading {
  return { type: 'wrong', problems };
}

function isDays(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= validityDaysMax;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 3339 in UTC with seconds, the one form that bundles have. */
export function toSeconds(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}
