import { stat } from 'node:fs/promises';
import { diffBundles, readUnverifiedBundle } from '@modelhost/policy-bundle';
import type { Bundle, BundleDifference, BundleFile } from '@modelhost/policy-bundle';
import { readRuleSet } from '@modelhost/policy-engine';
import { HostError } from '@modelhost/kernel';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { readNamedFile } from '../named-files.ts';
import { manifestOf, settingsFile } from '../policy/bundle-yaml.ts';
import { readProject } from '../policy/project.ts';
import type { JsonFlag } from '../text/output.ts';
import type { Paint } from '../text/paint.ts';
import { toPrintable } from '../text/printable.ts';

/** A side of a comparison. */
interface Side {
  readonly bundle: Bundle;
  readonly isProject: boolean;
}

/** What a reviewer has to look at between two bundles or projects: manifest, rules by their ids, and the lines. */
export async function diffPolicies(
  context: CliContext,
  flags: JsonFlag,
  before: string,
  after: string,
): Promise<void> {
  const [old, fresh] = [await readSide(before), await readSide(after)];
  const found = diffBundles(old.bundle, fresh.bundle);
  const isBuilt = !old.isProject && !fresh.isProject;
  const manifest = found.manifest.filter(({ field }) => isBuilt || !builtFields.includes(field));
  const difference = { ...found, manifest, rules: diffRules(old.bundle, fresh.bundle) };
  if (flags.json === true) {
    context.print(`${JSON.stringify(difference, undefined, 2)}\n`);
  } else {
    context.print(render(difference, context.paint));
    const isSame = manifest.length === 0 && found.files.length === 0;
    if (isSame) context.say('no difference');
  }
}

/** Settled by building: a project has none of its own. */
const builtFields = ['revision', 'notBefore', 'expires'];

async function readSide(path: string): Promise<Side> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true)
    return { bundle: await readProjectSide(path), isProject: true };
  const reading = readUnverifiedBundle(await readNamedFile(path));
  if (reading.type === 'unverified') return { bundle: reading.bundle, isProject: false };
  throw new CommandError(
    exitCodes.usage,
    `${path}: is no signed bundle: ${reading.message}`,
    'give a bundle that was signed, or the directory of a project',
  );
}

async function readProjectSide(path: string): Promise<Bundle> {
  const { settings, files } = await readProject(path);
  if (settings === undefined) {
    throw new CommandError(
      exitCodes.usage,
      `${path}: has no ${settingsFile} that can be used`,
      `\`model-host policy lint ${path}\` says what is wrong`,
    );
  }
  return { manifest: manifestOf(settings, { revision: 1, notBeforeMs: 0 }), files, digest: '' };
}

/** What became of the rules, by their ids. */
interface RuleDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** Undefined when the rules of one side cannot be read; the lines tell then. */
function diffRules(before: Bundle, after: Bundle): RuleDifference | undefined {
  const [old, fresh] = [textsById(before.files), textsById(after.files)];
  if (old === undefined || fresh === undefined) return undefined;
  return {
    added: [...fresh.keys()].filter((id) => !old.has(id)),
    removed: [...old.keys()].filter((id) => !fresh.has(id)),
    changed: [...old].filter(([id, text]) => (fresh.get(id) ?? text) !== text).map(([id]) => id),
  };
}

function textsById(files: readonly BundleFile[]): ReadonlyMap<string, string> | undefined {
  const rules = files
    .filter(({ path }) => path.endsWith('.cedar'))
    .map(({ path, content }) => ({ name: path, text: content }));
  try {
    const source = { name: '', scope: 'platform', revision: 0, digest: '', tools: [] } as const;
    const { authorize, oblige } = readRuleSet({ ...source, files: rules });
    return new Map([...authorize.rules, ...oblige.rules].map(({ id, text }) => [id, text]));
  } catch (thrown) {
    if (thrown instanceof HostError) return undefined;
    throw thrown;
  }
}

function render(
  { manifest, files, rules }: BundleDifference & { readonly rules: RuleDifference | undefined },
  paint: Paint,
): string {
  const named = (mark: string, ids: readonly string[] = []): readonly string[] =>
    ids.map((id) => `rule ${mark} ${toPrintable(id)}\n`);
  return [
    ...manifest.map(({ field, before, after }) => `${field}: ${before} -> ${after}\n`),
    ...named('removed', rules?.removed).map(paint.red),
    ...named('changed', rules?.changed).map(paint.yellow),
    ...named('added', rules?.added).map(paint.green),
    ...files.flatMap(({ path, change, lines, linesLeftOut }) => [
      `\n${paint.bold(`${change} ${path}`)}\n`,
      ...lines.map((line) => `${paintLine(line, paint)}\n`),
      ...(linesLeftOut === 0 ? [] : [`and ${linesLeftOut} more lines\n`]),
    ]),
  ].join('');
}

function paintLine(line: string, paint: Paint): string {
  if (line.startsWith('+')) return paint.green(line);
  if (line.startsWith('-')) return paint.red(line);
  return line.startsWith('@@') ? paint.cyan(line) : line;
}
