/** Fails on what no other tool looks at. `node scripts/check-tidy.ts [root]` */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readWorkspaces } from './workspaces.ts';

/** Lines of code, without blanks and comments. */
const kernelLinesMax = 1_000;

const notOurs = /(?:^|\/)(?:LICENSE|package-lock\.json)$|\/gen\/|\.(?:png|ico|woff2)$/;

/** Written so that no rule finds itself. */
const rules: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b/, why: 'finish it now, or file an issue' },
  {
    pattern: /\b(?:test|it|suite|describe)\.only\(|\bonly: true/,
    why: 'other tests would not run',
  },
  {
    pattern:
      /\.(?:skip|todo)\(\)|\b(?:test|it|suite|describe)\.(?:skip|todo)\(|\b(?:skip|todo): true/,
    why: 'a test is skipped with a reason: `skip: condition && "reason"`',
  },
  { pattern: /(?<![\w.*-])\/(?:home|root|work)\/[\w.]/, why: 'a path of one machine' },
];

const root = process.argv[2] ?? '.';
const problems = [...findWords(), ...checkKernelSize(), ...checkReadmes()];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

function findWords(): readonly string[] {
  return listFiles()
    .filter((file) => !notOurs.test(file))
    .flatMap((file) =>
      linesOf(file).flatMap((line, index) =>
        rules
          .filter(({ pattern }) => pattern.test(line))
          .map(({ pattern, why }) => `${file}:${index + 1}: ${pattern.exec(line)?.[0]}: ${why}`),
      ),
    );
}

function checkKernelSize(): readonly string[] {
  const lines = listFiles()
    .filter((file) => /^packages\/kernel\/src\/(?!index\.ts).*(?<!\.test)\.ts$/.test(file))
    .flatMap(linesOf)
    .filter((line) => !/^\s*(?:$|\/\/|\/\*|\*)/.test(line));
  if (lines.length <= kernelLinesMax) return [];
  return [`packages/kernel: ${lines.length} lines of code; at most ${kernelLinesMax}`];
}

function checkReadmes(): readonly string[] {
  return readWorkspaces(root)
    .packages.map(({ directory }) => `${directory}/README.md`)
    .filter((path) => !existsSync(join(root, path)))
    .map((path) => `${path} is missing`);
}

/** What git tracks or would take, and still stands. */
function listFiles(): readonly string[] {
  const options = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const files = execFileSync('git', options, { cwd: root, encoding: 'utf8' }).split('\0');
  return files.filter((file) => file !== '' && existsSync(join(root, file)));
}

function linesOf(file: string): readonly string[] {
  return readFileSync(join(root, file), 'utf8').split('\n');
}
