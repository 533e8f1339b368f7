/** Processes of the bench: pinned, measured and ended. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus as processors } from 'node:os';

/** A process that runs until it is disposed of. */
export interface BenchProcess extends AsyncDisposable {
  /** Resolves with the first match in what it prints; rejects when it ends before, or says nothing for a minute. */
  readonly printed: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** CPU time so far, user and system, of all its threads. */
  readonly cpuMicros: () => number;
  /** The same, with all processes that it started, running or ended. */
  readonly treeCpuMicros: () => number;
  /** Memory that it has now. */
  readonly residentBytes: () => number;
  /** Resolves when it has ended, whatever the reason. */
  readonly ended: Promise<unknown>;
}

/** The CPU of what is measured, and the one of everything else. */
export const cpus = { measured: 0, load: 1 } as const;

/** Whether processes can be kept to a CPU here: on Linux, with taskset, with two CPUs. */
export function canPin(): boolean {
  return availableParallelism() >= 2 && spawnSync('taskset', ['--version']).status === 0;
}

/** Keeps this process to the CPU of the load. */
export function pinSelf(): void {
  placeSelf(String(cpus.load));
}

/** Lets this process, and what it starts from now on, run on every CPU again. */
export function unpinSelf(): void {
  placeSelf(`0-${processors().length - 1}`);
}

function placeSelf(list: string): void {
  const options = ['--all-tasks', '--cpu-list', '--pid', list, String(process.pid)];
  spawnSync('taskset', options);
}

/** Starts a Node process. Its stdin stays open for as long as the bench lives. */
export function startProcess(
  args: readonly string[],
  options: {
    readonly cpu: number;
    readonly isPinned: boolean;
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): BenchProcess {
  const node = [process.execPath, ...args];
  const [command = '', ...rest] = options.isPinned
    ? ['taskset', '--cpu-list', String(options.cpu), ...node]
    : node;
  const child = spawn(command, rest, {
    stdio: 'pipe',
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  });
  const exited = once(child, 'exit');
  return {
    printed: (pattern) => findInOutput(child, pattern),
    cpuMicros: () => readCpuMicros(child.pid),
    treeCpuMicros: () => readTreeCpuMicros(child.pid),
    residentBytes: () => readResidentBytes(child.pid),
    ended: exited,
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
    const timer = setTimeout(fail, 60_000, `${pattern.source} did not appear`);
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
  const { user, system } = readTimes(String(pid ?? 'self'));
  return (user + system) * 10_000;
}

function readResidentBytes(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid ?? 'self'}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

function readTreeCpuMicros(root: number | undefined): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [{ pid, ...readTimes(pid) }];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
  const ticksBelow = (pid: string): number => {
    const own = processes.find((one) => one.pid === pid);
    if (own === undefined) return 0;
    const children = processes.filter(({ parent }) => parent === pid);
    const ended = own.endedUser + own.endedSystem;
    return children.reduce((sum, one) => sum + ticksBelow(one.pid), own.user + own.system + ended);
  };
  return ticksBelow(String(root)) * 10_000;
}

function readTimes(pid: string) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the command, in parentheses, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    parent: fields[1] ?? '',
    user: Number(fields[11]),
    system: Number(fields[12]),
    endedUser: Number(fields[13]),
    endedSystem: Number(fields[14]),
  };
}
