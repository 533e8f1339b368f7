/** Processes of the bench: pinned, measured and ended. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** A process that runs until it is disposed of. */
export interface BenchProcess extends AsyncDisposable {
  /** Resolves with the first match in what it prints; rejects when it ends before, or says nothing for half a minute. */
  readonly printed: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** CPU time so far, user and system, of all its threads. */
  readonly cpuMicros: () => number;
}

/** The CPU of what is measured, and the one of everything else. */
export const cpus = { measured: 0, load: 1 } as const;

/** Whether processes can be kept to a CPU here: on Linux, with taskset, with two CPUs. */
export function canPin(): boolean {
  return availableParallelism() >= 2 && spawnSync('taskset', ['--version']).status === 0;
}

/** Keeps this process to the CPU of the load. */
export function pinSelf(): void {
  const options = ['--all-tasks', '--cpu-list', '--pid', String(cpus.load), String(process.pid)];
  spawnSync('taskset', options);
}

/** Starts a Node process. Its stdin stays open for as long as the bench lives. */
export function startProcess(
  args: readonly string[],
  options: { readonly cpu: number; readonly isPinned: boolean },
): BenchProcess {
  const node = [process.execPath, ...args];
  const [command = '', ...rest] = options.isPinned
    ? ['taskset', '--cpu-list', String(options.cpu), ...node]
    : node;
  const child = spawn(command, rest, { stdio: 'pipe' });
  const exited = once(child, 'exit');
  return {
    printed: (pattern) => findInOutput(child, pattern),
    cpuMicros: () => readCpuMicros(child.pid),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exited;
    },
  };
}

function findInOutput(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`${child.spawnargs.join(' ')}: ${why}\n${output}`));
    };
    const timer = setTimeout(fail, 30_000, `${pattern.source} did not appear`);
    child.once('exit', (code) => fail(`ended with ${code ?? 'a signal'}`));
    const read = (data: Buffer): void => {
      // Once found, the rest is read and dropped, so that the pipe never fills.
      if (output.length < 100_000) output += data.toString();
      const found = pattern.exec(output);
      if (found === null) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
  });
}

/** Linux counts in hundredths of a second; over seconds of load that is fine enough. */
function readCpuMicros(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid ?? 'self'}/stat`, 'utf8');
  // The name of the command, in parentheses, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}
