/**
 * Runs the tests of the files that are named, in three processes at a time: most of a test is waiting for something else, and
 * the rest is for one core. `node scripts/test.ts <pattern>…`; the output of each process follows that of the one before.
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

const shards = 3;
const patterns = process.argv.slice(2);
const preloaded = ['compile-cache', 'fixed-seed'].flatMap((name) => [
  '--import',
  `./scripts/${name}.ts`,
]);
const fixed = [...preloaded, '--test', '--test-isolation=none'];

const runs = Array.from({ length: shards }, (_, index) => {
  const options = [...fixed, '--test-timeout=120000', `--test-shard=${index + 1}/${shards}`];
  // The first one is shown as it goes, the others when they are over.
  const stdio = index === 0 ? 'inherit' : 'pipe';
  const child = spawn(process.execPath, [...options, ...patterns], {
    stdio: ['ignore', stdio, 'inherit'],
  });
  const output = child.stdout === null ? '' : text(child.stdout);
  const code = new Promise<number>((resolve) => {
    child.once('close', (exitCode) => resolve(exitCode ?? 1));
  });
  return { output, code };
});

for (const { output, code } of runs) {
  process.stdout.write(await output);
  if ((await code) !== 0) process.exitCode = 1;
}
