import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { signalGroup } from './processes.ts';

/** A line of the host's log; what is no JSON has only a message. */
export interface LogLine {
  readonly msg: string;
  readonly level?: string;
  readonly [field: string]: unknown;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A `model-host serve` process. */
export interface HostProcess {
  readonly pid: number;
  readonly grpcAddress: string;
  readonly healthAddress: string;
  /** Of the listener for MCP clients; of no use where the configuration asks for none. */
  readonly mcpAddress: string;
  readonly auditPath: string;
  readonly directory: string;
  readonly lines: readonly LogLine[];
  /** Everything on stdout and stderr so far. */
  written(): { readonly stdout: Buffer; readonly stderr: Buffer };
  /** Resolves with the first line, past or future, whose message has this in it; rejects when the host ends without. */
  logged(text: string): Promise<LogLine>;
  send(signal: NodeJS.Signals): void;
  /** Resolves when the process has ended. */
  readonly exited: Promise<Exit>;
}

/** Ends what was started for it, such as a test. */
export interface Owner {
  after(end: () => Promise<void>): void;
}

/** What a host is started with. */
export interface HostSetup {
  /** The configuration, written as JSON, which is YAML. */
  readonly config: object;
  /** Further files by their path beside the configuration. */
  readonly files: Readonly<Record<string, string>>;
}

/** The command of this repository; a process is the only way in which the tests use it. */
export const commandPath: string = fileURLToPath(
  new URL('../../../apps/cli/src/main.ts', import.meta.url),
);

/** Starts a host on free ports in a directory of its own; both are gone with their owner. `execArgv` is for Node. */
export async function startHost(
  t: Owner,
  setup: HostSetup,
  execArgv: readonly string[] = [],
): Promise<HostProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'model-host-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const files = { ...setup.files, 'model-host.yaml': JSON.stringify(setup.config) };
  for (const [path, text] of Object.entries(files)) {
    // Few and small.
    await mkdir(dirname(join(directory, path)), { recursive: true }); // oxlint-disable-line no-await-in-loop
    await writeFile(join(directory, path), text); // oxlint-disable-line no-await-in-loop
  }
  return startIn(t, directory, execArgv);
}

/** Starts a host on a directory that has its configuration, such as one where another has ended; it ends with its owner. */
export async function restartHost(
  t: Owner,
  { directory }: Pick<HostProcess, 'directory'>,
  execArgv: readonly string[] = [],
): Promise<HostProcess> {
  return startIn(t, directory, execArgv);
}

async function startIn(
  t: Owner,
  directory: string,
  execArgv: readonly string[],
): Promise<HostProcess> {
  const child = spawn(
    process.execPath,
    [...execArgv, commandPath, 'serve', '--config', join(directory, 'model-host.yaml')],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  const [stdout, stderr] = [keep(child.stdout), keep(child.stderr)];
  // The group is led by the child, so its number is the child's.
  const pid = child.pid ?? 0;
  const exited = watchExit(child);
  t.after(async () => {
    signalGroup(pid, 'SIGKILL');
    await exited;
  });
  const { lines, logged } = watchLog(child, exited);
  const ready = await logged('ready');
  return {
    pid,
    grpcAddress: String(ready['grpcAddress']),
    healthAddress: String(ready['healthAddress']),
    mcpAddress: String(ready['mcpAddress']),
    auditPath: String(ready['auditPath']),
    directory,
    lines,
    written: () => ({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) }),
    logged,
    send: (signal) => void process.kill(pid, signal),
    exited,
  };
}

function keep(stream: Readable): readonly Buffer[] {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return chunks;
}

async function watchExit(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Exit> {
  await once(child, 'close');
  return { code: child.exitCode, signal: child.signalCode };
}

function watchLog(
  child: ChildProcessByStdio<null, Readable, Readable>,
  exited: Promise<Exit>,
): Pick<HostProcess, 'lines' | 'logged'> {
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stderr }).on('line', (text) => {
    lines.push(readLine(text));
    for (const look of waiting) look();
  });

  async function logged(text: string): Promise<LogLine> {
    const found = Promise.withResolvers<LogLine>();
    function look(): void {
      const line = lines.find(({ msg }) => msg.includes(text));
      if (line !== undefined) found.resolve(line);
    }
    waiting.add(look);
    look();
    void exited.then(() => {
      const log = lines.map(({ msg }) => msg).join('\n');
      found.reject(new Error(`the host ended without the line "${text}":\n${log}`));
    });
    return await found.promise.finally(() => waiting.delete(look));
  }

  return { lines, logged };
}

function readLine(text: string): LogLine {
  try {
    // What the host logs as JSON is an object with a message.
    return JSON.parse(text) as LogLine;
  } catch {
    return { msg: text };
  }
}
