/** For the tests of the scripts: small trees in a temporary folder, and scripts run on them as processes. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../node_modules/.bin', import.meta.url));

/** How a process ended. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  /** Lines of stderr. */
  readonly problems: readonly string[];
}

/** A folder with these files, removed after the test. */
export async function makeTree(
  t: TestContext,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'tree-'));
  t.after(() => rm(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

/** Runs a script of this folder with the tools of the repository at hand. */
export function runScript(
  name: string,
  args: readonly string[],
  directory?: string,
): Promise<Outcome> {
  const script = fileURLToPath(new URL(name, import.meta.url));
  return run(process.execPath, [script, ...args], directory);
}

/** Runs git as somebody, so that commits work on a machine without a name. */
export async function runGit(directory: string, ...args: readonly string[]): Promise<void> {
  const somebody = ['-c', 'user.name=somebody', '-c', 'user.email=somebody@example.org'];
  const { exitCode, problems } = await run('git', [...somebody, ...args], directory);
  if (exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${problems.join('; ')}`);
}

function run(command: string, args: readonly string[], cwd?: string): Promise<Outcome> {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { cwd, env }, (_failure, stdout, stderr) => {
      const problems = stderr.split('\n').filter((line) => line !== '');
      resolve({ exitCode: child.exitCode ?? -1, stdout, problems });
    });
    child.on('error', reject);
  });
}
