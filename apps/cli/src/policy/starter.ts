import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError, exitCodes } from '../failure.ts';
import { makeNamedDirectory, readNamedFile, writeNew } from '../named-files.ts';
import { settingsFile } from './bundle-yaml.ts';

/** The default policy, which a new project begins with. */
const examples = fileURLToPath(new URL('../../../../examples/policies/default/', import.meta.url));

/** Writes a new project that passes its tests; gives the paths. Refuses a directory in which there is something. */
export async function writeStarter(directory: string): Promise<readonly string[]> {
  await makeEmpty(directory);
  const found = await readdir(examples, { recursive: true, withFileTypes: true });
  const written: string[] = [];
  for (const entry of found.filter((one) => one.isFile())) {
    const source = join(entry.parentPath, entry.name);
    const path = source.slice(examples.length);
    if (path in ownFiles) continue;
    await write(join(directory, path), (await readNamedFile(source)).toString());
    written.push(path);
  }
  for (const [path, textOf] of Object.entries(ownFiles)) {
    await write(join(directory, path), textOf(nameFor(directory)));
    written.push(path);
  }
  return written.sort();
}

/** What is the project's own from the start. */
const ownFiles: Readonly<Record<string, (name: string) => string>> = {
  [settingsFile]: (name) => `# What a bundle of this project says of itself.
name: ${name}
# Whose requests it decides: platform (everybody's), or { tenant: NAME }.
scope: platform
# enforce, or shadow: decided beside what is in force, and only differences are noted.
mode: enforce
# How long a bundle counts after it was built.
validityDays: 90
# Tenants for which it is in force first; none for all.
canary: []
`,
  'changelog.md': () => `# Changelog

- 1: the default policy.
`,
};

async function makeEmpty(directory: string): Promise<void> {
  await makeNamedDirectory(directory);
  if ((await readdir(directory)).length === 0) return;
  throw new CommandError(
    exitCodes.usage,
    `${directory}: is not empty`,
    'name a new directory, so that nothing of yours is replaced',
  );
}

async function write(path: string, text: string): Promise<void> {
  await makeNamedDirectory(dirname(path));
  await writeNew(path, text, 0o644);
}

/** That of the directory as far as a bundle may have it. */
function nameFor(directory: string): string {
  const name = basename(resolve(directory))
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 64);
  return name === '' ? 'base' : name;
}
