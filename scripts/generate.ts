/**
 * Renews what is made from something else: the contract's code and index from proto/, docs/reference from the host's table of errors
 * and the schema of its configuration.
 * `node scripts/generate.ts [--check]`; `--check` writes nothing and fails when a file is old.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { configReference } from './config-reference.ts';
import { contractIndex } from './contract-index.ts';
import { errorReference } from './error-reference.ts';

const contracts = 'packages/contracts/src';
const generated = `${contracts}/gen`;

const wanted = new Map<string, string>(runBuf());
wanted.set(`${contracts}/index.ts`, contractIndex(wanted));
wanted.set('docs/reference/errors.md', errorReference());
wanted.set('docs/reference/configuration.md', configReference());
const extra = filesBelow(generated).filter((path) => !wanted.has(path));

if (process.argv.includes('--check')) {
  const old = [...wanted].filter(([path, text]) => readIfPresent(path) !== text);
  const problems = [...old.map(([path]) => `${path} is old`), ...extra.map((p) => `${p} is extra`)];
  for (const problem of problems) console.error(`${problem}; run npm run generate`);
  if (problems.length > 0) process.exitCode = 1;
} else {
  for (const path of extra) rmSync(path);
  for (const [path, text] of wanted) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

/** The contract's code, made in a folder of its own so that a failure leaves the tree alone. */
function runBuf(): readonly (readonly [string, string])[] {
  const output = mkdtempSync(join(tmpdir(), 'generate-'));
  try {
    execFileSync('buf', ['generate', '-o', output], { stdio: 'inherit' });
    return filesBelow(generated, output).map((path) => [
      path,
      readFileSync(join(output, path), 'utf8'),
    ]);
  } finally {
    rmSync(output, { recursive: true });
  }
}

function filesBelow(directory: string, root = '.'): readonly string[] {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root === '.' ? 0 : root.length + 1))
    .sort();
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
