import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

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

/** Starts the real command in a process group of its own, with an environment of its own and no terminal. */
export function startCli(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): Running {
  const child = spawn(process.execPath, [main, ...args], {
    detached: true,
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

/** Runs the real command to its end. */
export async function runCli(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<Ended> {
  return startCli(args, environment).ended;
}

/** Whether any process of a group is left. */
export function isGroupAlive({ child }: Running): boolean {
  try {
    process.kill(-(child.pid ?? 0), 0);
    return true;
  } catch {
    return false;
  }
}
