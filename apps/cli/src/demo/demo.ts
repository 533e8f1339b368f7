import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ToolServerState } from '@modelhost/contracts';
import { readHostConfig, startHost } from '@modelhost/host';
import type { RunningHost } from '@modelhost/host';
import { createModelHostClient } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import type { ExitCode } from '../failure.ts';
import { toPrintable } from '../text/printable.ts';
import { count } from '../text/quantities.ts';
import { readVersion } from '../version.ts';
import type { ApprovalMode } from '../watching/approver.ts';
import { exitCodeOfRun, playRun } from '../watching/play.ts';
import { chooseModel } from './model-choice.ts';
import type { DemoModel } from './model-choice.ts';
import { verifyApart } from './verify.ts';
import {
  changedSince,
  createWorkspace,
  freeReportName,
  readFolder,
  takeInventory,
} from './workspace.ts';
import type { Workspace } from './workspace.ts';

/** What `model-host demo` is told. */
export interface DemoFlags {
  readonly dir?: string;
  readonly task?: string;
  readonly approve: ApprovalMode;
  readonly policies?: string;
  readonly model: DemoModel;
  readonly modelName?: string;
  readonly keep?: boolean;
  readonly verbose?: boolean;
}

const examples = fileURLToPath(new URL('../../../../examples/demo/', import.meta.url));
const modules = fileURLToPath(new URL('../../../../node_modules/', import.meta.url));
const agent = 'reporter';
const connectTimeoutMs = 60_000;
const pollMs = 50;
const reportLinesMax = 14;

/**
 * A host in this process, a run over real gRPC, and the audit file verified by another process. Exits with 0 only when the
 * run completed and the file is intact.
 */
export async function demo(context: CliContext, flags: DemoFlags): Promise<void> {
  const interrupt = new AbortController();
  const stopListening = context.onInterrupt(() => interrupt.abort());
  const workspace = await createWorkspace(flags.dir, `${examples}files`);
  try {
    context.exitWith(await play(context, { flags, workspace, signal: interrupt.signal }));
  } catch (thrown) {
    if (!interrupt.signal.aborted) throw thrown;
    context.exitWith(exitCodes.interrupted);
  } finally {
    if (flags.keep === true) context.say(`kept ${workspace.root}`);
    else await workspace.remove();
    // Only now, so that a signal does not leave half of the folder.
    stopListening();
  }
}

interface Stage {
  readonly flags: DemoFlags;
  readonly workspace: Workspace;
  readonly signal: AbortSignal;
}

async function play(context: CliContext, stage: Stage): Promise<ExitCode> {
  const { flags, workspace, signal } = stage;
  const host = await start(context, stage);
  let runCode: ExitCode;
  try {
    const before = await takeInventory(workspace.files);
    runCode = await runAgent(context, host, stage);
    await showFiles(context, flags, await changedSince(workspace.files, before));
  } finally {
    await host.drain();
  }
  signal.throwIfAborted();
  const isVerified = await verifyApart(context, host.auditPath);
  if (runCode !== exitCodes.ok) return runCode;
  return isVerified ? exitCodes.ok : exitCodes.failure;
}

async function start(
  context: CliContext,
  { flags, workspace, signal }: Stage,
): Promise<RunningHost> {
  const choice = await chooseModel(context, { model: flags.model, name: flags.modelName, signal });
  const policies = flags.policies === undefined ? undefined : await readFolder(flags.policies);
  const { environment, program } = context;
  const config = readHostConfig({
    file: `${examples}model-host.yaml`,
    environment,
    flags: [
      ...readSettings(workspace, program[0]),
      ...(policies === undefined ? [] : [setting('policies.directory', policies)]),
      ...choice.settings,
    ],
  });
  const host = await startHost({ config, environment, version: readVersion(), log: 'silent' });
  context.print(`host  gRPC on ${host.grpcAddress}, health on ${host.healthAddress}\n`);
  context.print(`model ${choice.title}\n`);
  return host;
}

/** Keeps everything that the demo makes in its own folders; lists are by position, as the file has them. */
function readSettings({ files, data }: Workspace, node: string): readonly string[] {
  return [
    setting('server.port', 0),
    setting('server.healthPort', 0),
    setting('mcp.port', 0),
    setting('server.dataDirectory', data),
    setting('tools.servers.0.command', node),
    setting('tools.servers.0.args.1', files),
    setting('tools.servers.1.command', node),
    setting('tools.servers.1.args', [
      `${modules}@modelcontextprotocol/server-memory/dist/index.js`,
    ]),
    setting('tools.servers.1.env.MEMORY_FILE_PATH', join(data, 'memory.jsonl')),
  ];
}

/** JSON is YAML, so that no path can mean anything else. */
function setting(key: string, value: string | number | readonly string[]): string {
  return `${key}=${JSON.stringify(value)}`;
}

async function runAgent(context: CliContext, host: RunningHost, stage: Stage): Promise<ExitCode> {
  const { flags, workspace, signal } = stage;
  const client = createModelHostClient({ address: host.grpcAddress });
  try {
    await waitForTools(context, client, signal);
    const task = flags.task ?? (await usualTask(workspace));
    context.print(`task  ${toPrintable(task)}\n\n`);
    const played = await playRun(
      context,
      client,
      { agent, input: [{ part: { case: 'text', value: { text: task } } }] },
      { approve: flags.approve, answerUnasked: true, verbose: flags.verbose },
    );
    return exitCodeOfRun(played);
  } finally {
    client.close();
  }
}

async function usualTask({ files }: Workspace): Promise<string> {
  const report = await freeReportName(files);
  return `Read the files in "${files}" and write a report of what they say to ${report}.`;
}

/** A run sees the tools that are there when it starts, so the demo waits until no server is connecting any more. */
async function waitForTools(
  context: CliContext,
  client: ModelHostClient,
  signal: AbortSignal,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < connectTimeoutMs; waitedMs += pollMs) {
    const { servers } = await client.listTools();
    if (servers.some(({ state }) => state === ToolServerState.FAILED)) break;
    if (servers.every(({ state }) => state === ToolServerState.READY)) {
      const names = servers.map(({ alias, toolCount }) => `${alias} (${count(toolCount, 'tool')})`);
      context.print(`tools ${names.join(', ')}\n`);
      return;
    }
    await delay(pollMs, undefined, { signal });
  }
  const { servers } = await client.listTools();
  const failed = servers.filter(({ state }) => state !== ToolServerState.READY);
  const why = failed.map(({ alias, error }) => `${alias}: ${error === '' ? 'no answer' : error}`);
  throw new CommandError(
    exitCodes.unavailable,
    `tool servers are not ready: ${toPrintable(why.join('; '))}`,
    'run `npm ci` in the checkout, which installs them',
  );
}

async function showFiles(
  { print, paint }: CliContext,
  flags: DemoFlags,
  paths: readonly string[],
): Promise<void> {
  if (paths.length === 0) print('\nno file was written\n');
  for (const path of paths.slice(0, 4)) {
    const lines = toPrintable(await readFile(path, 'utf8'))
      .trimEnd()
      .split('\n');
    const isGone = flags.keep !== true && flags.dir === undefined;
    const note = isGone ? ' (removed when the demo ends; --keep keeps it)' : '';
    print(`\n${paint.bold('wrote')} ${toPrintable(path)}${note}\n`);
    for (const line of lines.slice(0, reportLinesMax)) print(`${paint.dim('│')} ${line}\n`);
    const more = lines.length - reportLinesMax;
    if (more > 0) print(paint.dim(`│ … ${count(more, 'more line')}\n`));
  }
  print('\n');
}
