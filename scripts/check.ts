/**
 * Runs every `check:` script of package.json in its order, and says at the end which failed.
 * Run it by `npm run check`, which puts the tools of node_modules/.bin first; `npm run check -- lint types` runs some.
 */
import { spawnSync } from 'node:child_process';
import { readWorkspaces } from './workspaces.ts';

const checks = readChecks();
const wanted = process.argv.slice(2);
const names = wanted.length === 0 ? [...checks.keys()] : wanted;
const failed = names.filter((name) => !run(name));
console.log(
  failed.length === 0
    ? `\n${names.length} checks passed`
    : `\n${failed.length} of ${names.length} checks failed: ${failed.join(', ')}`,
);
if (failed.length > 0) process.exitCode = 1;

function readChecks(): ReadonlyMap<string, string> {
  const prefix = 'check:';
  const scripts = Object.entries(readWorkspaces('.').root.manifest.scripts ?? {});
  return new Map(
    scripts
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, command]) => [name.slice(prefix.length), command]),
  );
}

function run(name: string): boolean {
  const command = checks.get(name);
  if (command === undefined) {
    console.log(`FAIL ${name}: no such check`);
    return false;
  }
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(command, { encoding: 'utf8', shell: true });
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(10)} ${seconds} s`);
  // A check that passed has said enough, apart from the one that tells what it compared with.
  if (status !== 0 || name === 'breaking') process.stdout.write(`${stdout}${stderr}`);
  return status === 0;
}
