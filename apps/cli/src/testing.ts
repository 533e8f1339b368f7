import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runApplication } from './application.ts';
import type { CliContext } from './context.ts';
import { createPaint } from './text/paint.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Program and first argument of a process of the command. */
export const commandProgram: CliContext['program'] = [process.execPath, main];

/** What a process of the command left behind. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of the command that may still run. */
export interface Running {
  readonly child: ChildProcess;
  /** Resolves with what stands before it once stdout and stderr together match. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
}

/** Starts the real command with an environment of its own and no terminal. */
export function startCli(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): Running {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, ...environment },
  });
  const seen = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      seen[name] += text;
      for (const look of waiting) look();
    });
  }
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, ...seen }));
  return { child, until: async (pattern) => untilSeen(pattern, { seen, waiting, ended }), ended };
}

async function untilSeen(
  pattern: RegExp,
  {
    seen,
    waiting,
    ended,
  }: {
    readonly seen: { readonly stdout: string; readonly stderr: string };
    readonly waiting: Set<() => void>;
    readonly ended: Promise<Ended>;
  },
): Promise<RegExpExecArray> {
  const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
  function look(): void {
    const match = pattern.exec(`${seen.stdout}${seen.stderr}`);
    if (match !== null) resolve(match);
  }
  waiting.add(look);
  look();
  void ended.then(({ stderr }) => reject(new Error(`ended without ${pattern}: ${stderr}`)));
  try {
    return await promise;
  } finally {
    waiting.delete(look);
  }
}

/** Runs a command in this process, at a time of the test's own, with nobody to ask. */
export async function runHere(
  args: readonly string[],
  given: Partial<
    Pick<CliContext, 'environment' | 'now' | 'ask' | 'say' | 'onInterrupt' | 'streams' | 'program'>
  > = {},
): Promise<Ended> {
  const out = { stdout: '', stderr: '' };
  let code: number | undefined;
  const stdout = { write: (text: string) => void (out.stdout += text) };
  const stderr = { write: (text: string) => void (out.stderr += text) };
  const failed = await runApplication(args, {
    process: { stdout, stderr },
    environment: {},
    paint: createPaint(false),
    now: () => Date.parse('2026-12-01T00:00:00Z'),
    print: stdout.write,
    say: (text) => stderr.write(`${text}\n`),
    ask: undefined,
    onInterrupt: () => () => {},
    program: ['model-host'],
    hostProcess: { on: () => {}, off: () => {}, exit: () => {} },
    streams: { input: Readable.from([]), output: new Writable() },
    exitWith: (exitCode) => {
      code = exitCode;
    },
    ...given,
  });
  return { code: failed ?? code ?? 0, ...out };
}

/** Runs the real command to its end. */
export async function runCli(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<Ended> {
  return startCli(args, environment).ended;
}

/** The processes that a process has started, and those that they have, and so on. */
export async function descendantsOf({ child }: Pick<Running, 'child'>): Promise<readonly number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,ppid=']);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = [child.pid ?? 0];
  // It grows while it is walked, once for each process.
  for (const parent of found) {
    for (const [pid, parentPid] of rows) {
      if (pid !== undefined && parentPid === parent) found.push(pid);
    }
  }
  return found.slice(1);
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
