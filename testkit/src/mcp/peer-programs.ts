/** Programs of others, installed by `npm run peers`. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../peers/node_modules/', import.meta.url));

/** Path of a script that the package installs under this name; throws when it is not installed. */
export function peerScript(packageName: string, binary: string): string {
  const folder = `${root}${packageName}/`;
  if (!existsSync(folder))
    throw new Error(`${packageName} is not installed; run \`npm run peers\``);
  // A package's manifest names its scripts, as a table or as the one path.
  const { bin } = JSON.parse(readFileSync(`${folder}package.json`, 'utf8')) as {
    readonly bin?: string | Readonly<Record<string, string>>;
  };
  const path = typeof bin === 'string' ? bin : bin?.[binary];
  if (path === undefined) throw new Error(`${packageName} has no program ${binary}`);
  return `${folder}${path}`;
}
