import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError } from '@modelhost/kernel';
import type { BundleFile } from '@modelhost/policy-bundle';
import { checkPolicyText, readBundleContent } from '@modelhost/policy-engine';
import type {
  BundleContent,
  PolicyFile,
  PolicyProblem,
  RuleSetSource,
} from '@modelhost/policy-engine';
import { CommandError, exitCodes } from '../failure.ts';
import { readNamedFile } from '../named-files.ts';
import { readBundleYaml, settingsFile } from './bundle-yaml.ts';
import type { BundleSettings } from './bundle-yaml.ts';

/** A directory that a bundle is built from, or one of rules alone. */
export interface Project {
  readonly directory: string;
  /** What goes into a bundle, by path: rules, tests, tools.json and changelog.md. */
  readonly files: readonly BundleFile[];
  /** Files that nobody expects, which stay where they are. */
  readonly leftOut: readonly string[];
  /** Undefined in a directory without a `bundle.yaml`, and where that cannot be used. */
  readonly settings: BundleSettings | undefined;
  readonly hasSettings: boolean;
  /** Undefined when tools or tests cannot be read. */
  readonly content: BundleContent | undefined;
  /** Everything that is wrong with it. */
  readonly problems: readonly PolicyProblem[];
}

/** What a project has for itself. */
const own = [settingsFile, 'README.md'];
const depthMax = 8;
const entriesMax = 4_000;

/** Reads and checks a whole project. Throws for a directory that is none. */
export async function readProject(directory: string): Promise<Project> {
  const { paths, links } = await listFiles(directory);
  const hasSettings = paths.includes(settingsFile);
  const taken = paths.filter(isTaken);
  if (!hasSettings && !taken.some((path) => path.endsWith('.cedar'))) {
    throw new CommandError(
      exitCodes.usage,
      `${directory}: there is no ${settingsFile} and no rule in it`,
      '`model-host policy init DIRECTORY` begins a project',
    );
  }
  const files = await Promise.all(
    taken.map(async (path) => ({ path, content: await readText(join(directory, path)) })),
  );
  const problems: PolicyProblem[] = links.map(problemOfLink);
  let settings: BundleSettings | undefined;
  if (hasSettings) {
    const reading = await readBundleYaml(await readText(join(directory, settingsFile)));
    if (reading.type === 'read') settings = reading.settings;
    else problems.push(...reading.problems);
  }
  const named = files.map(({ path, content }) => ({ name: path, text: content }));
  const content = readContent(named, problems);
  const rules = named.filter(({ name }) => name.endsWith('.cedar'));
  problems.push(...checkPolicyText(rules, content?.tools ?? []));
  const leftOut = paths.filter((path) => !own.includes(path) && !isTaken(path));
  return { directory, files, leftOut, settings, hasSettings, content, problems };
}

/** The rules of a project, for whoever reads them. */
export function sourceOf({ settings, content }: Project): RuleSetSource {
  return {
    name: settings?.name ?? 'project',
    scope: settings?.scope ?? 'platform',
    revision: 0,
    digest: '',
    files: content?.rules ?? [],
    tools: content?.tools ?? [],
  };
}

/** What is known by its name to belong to a bundle: a key that lies beside it must not get into it. */
function isTaken(path: string): boolean {
  return (
    path.endsWith('.cedar') ||
    path === 'tools.json' ||
    path === 'changelog.md' ||
    /^tests\/.+\.(?:ya?ml|json)$/.test(path)
  );
}

/** What a directory holds. Links are not followed: what a bundle says has to stand in the project. */
interface Listing {
  readonly paths: readonly string[];
  readonly links: readonly string[];
}

async function listFiles(directory: string): Promise<Listing> {
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new CommandError(
      exitCodes.usage,
      `${directory}: there is no such directory`,
      '`model-host policy init DIRECTORY` begins a project',
    );
  }
  const paths: string[] = [];
  const links: string[] = [];
  const folders = [''];
  // Grows while it is walked, to the depth and number of files below.
  for (const folder of folders) {
    const entries = await readdir(join(directory, folder), { withFileTypes: true });
    for (const entry of entries.filter(({ name }) => !name.startsWith('.'))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && path.split('/').length < depthMax) folders.push(path);
      if (entry.isFile()) paths.push(path);
      if (entry.isSymbolicLink()) links.push(path);
    }
    if (paths.length + folders.length > entriesMax) {
      throw new CommandError(
        exitCodes.usage,
        `${directory}: more than ${entriesMax} files and folders`,
        'give the directory of one policy project',
      );
    }
  }
  return { paths: paths.sort(), links: links.sort() };
}

function problemOfLink(file: string): PolicyProblem {
  const message = 'is a link, and links are not followed';
  return { file, line: 0, column: 0, severity: 'error', message, remedy: 'copy the file here' };
}

function readContent(
  files: readonly PolicyFile[],
  problems: PolicyProblem[],
): BundleContent | undefined {
  try {
    return readBundleContent(files);
  } catch (thrown) {
    if (!(thrown instanceof HostError) || thrown.code !== 'config_invalid') throw thrown;
    problems.push(...thrown.message.split('\n').map(problemOfLine));
    return undefined;
  }
}

/** A mistake in tests or tools as their readers tell it. */
function problemOfLine(text: string): PolicyProblem {
  const [, file = '', line = '0', column = '0', message = text] =
    /^([^:]{1,512}):(?:(\d+):(\d+):)? (.*)$/s.exec(text) ?? [];
  return {
    file,
    line: Number(line),
    column: Number(column),
    severity: 'error',
    message,
    // The message ends with it.
    remedy: '',
  };
}

async function readText(path: string): Promise<string> {
  const bytes = await readNamedFile(path);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CommandError(exitCodes.failure, `${path}: is no UTF-8 text`, 'save it as UTF-8');
  }
}
