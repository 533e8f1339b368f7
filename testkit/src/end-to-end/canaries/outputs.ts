import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDecisionLog } from '@modelhost/decision-log';
import { loadKeys } from '@modelhost/keys-file';
import { createHostRedactor } from '@modelhost/redaction';
import type { CanaryWorld } from './canary-world.ts';
import { askByCommand } from './command-outputs.ts';
import { askFacade } from './facade-outputs.ts';
import { outputOf, toOutput } from './output.ts';
import { withNumber } from './planted-texts.ts';
import type { PlayedRuns } from './play-runs.ts';
import type { Output } from './search.ts';

/** Gathers what one kind of output says after the runs were played. */
type Gather = (world: CanaryWorld, runs: PlayedRuns) => Promise<readonly Output[]>;

/** All ways out of a host that serves. Whoever adds one adds it here. */
const outputs: readonly Gather[] = [
  askAboutRuns,
  askAboutSessions,
  askAboutTools,
  askAboutPolicy,
  askWrongly,
  readPages,
  askFacade,
  askByCommand,
];

/** Everything that a host that serves tells whoever asks. */
export async function gatherAnswers(
  world: CanaryWorld,
  runs: PlayedRuns,
): Promise<readonly Output[]> {
  const gathered = await Promise.all(outputs.map((gather) => gather(world, runs)));
  // Whoever reads the log of decisions has what was decided before written down.
  await world.client.listDecisions();
  return gathered.flat();
}

/** Everything that a host leaves behind: whatever is in its data directory, and what it wrote to its two streams. */
export async function gatherRemains({ host }: CanaryWorld): Promise<readonly Output[]> {
  const { stdout, stderr } = host.written();
  const data = join(host.directory, 'data');
  const written = [
    { name: 'stdout', bytes: stdout },
    { name: 'stderr', bytes: stderr },
  ];
  return [...written, ...(await readFiles(data)), await openDecisions(data)];
}

/** What stands sealed in the log of decisions, by the key that lies beside it. */
async function openDecisions(data: string): Promise<Output> {
  const keys = await loadKeys({ path: join(data, 'master.key'), environmentValue: undefined });
  await using opened = new AsyncDisposableStack();
  const log = await openDecisionLog({
    path: join(data, 'decisions.db'),
    keys,
    redactor: createHostRedactor({ always: {}, keys }),
    now: Date.now,
    keepDays: 1,
    entriesMax: 10_000,
    onFault: (fault) => {
      throw fault;
    },
  });
  opened.defer(async () => log.close());
  return toOutput('decisions', await Array.fromAsync(log.recorded({ tenant: 'default' })));
}

async function readFiles(directory: string): Promise<readonly Output[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      return { name: `file ${path.slice(directory.length + 1)}`, bytes: await readFile(path) };
    }),
  );
}

async function askAboutRuns(
  { client }: CanaryWorld,
  { runIds }: PlayedRuns,
): Promise<readonly Output[]> {
  return Promise.all([
    ...runIds.map((runId) => outputOf('GetRun', () => client.getRun(runId))),
    outputOf('ListRuns', () => client.listRuns()),
    outputOf('ListAgents', () => client.listAgents()),
    outputOf('ListModels', () => client.listModels()),
    outputOf('GetStatus', () => client.getStatus()),
  ]);
}

async function askAboutSessions(
  { client }: CanaryWorld,
  { sessionId }: PlayedRuns,
): Promise<readonly Output[]> {
  return Promise.all([
    outputOf('GetSession', () => client.getSession(sessionId)),
    outputOf('ListSessions', () => client.listSessions()),
    outputOf('ListTurns', () => client.listTurns(sessionId)),
    outputOf('ExportSession', async () => {
      const chunks = await Array.fromAsync(client.exportSession(sessionId));
      return Buffer.concat(chunks).toString();
    }),
  ]);
}

async function askAboutTools({ client, plan, text }: CanaryWorld): Promise<readonly Output[]> {
  const argumentsJson = withNumber({ text: text('direct-argument') }, plan.of('direct-argument'));
  return Promise.all([
    outputOf('ListTools', () => client.listTools()),
    outputOf('ListToolServers', () => client.listToolServers()),
    outputOf('GetTool', () => client.getTool('tools__look')),
    outputOf('ListToolPins', () => client.listToolPins()),
    outputOf('CallTool', () => client.callTool('tools__look', argumentsJson)),
    outputOf('CallTool of a long result', () => client.callTool('tools__long', '{}')),
    outputOf('CallTool that fails', () => client.callTool('tools__refuse', argumentsJson)),
  ]);
}

async function askAboutPolicy({ client, text }: CanaryWorld): Promise<readonly Output[]> {
  const listed = await client.listDecisions();
  const question = {
    action: 'CallTool',
    resource: 'tools__look',
    argumentsJson: JSON.stringify({ text: text('question') }),
  };
  const explained = listed.decisions.map(({ decisionId }) =>
    outputOf('ExplainDecision', () =>
      client.explainDecision({ about: { case: 'decisionId', value: decisionId } }),
    ),
  );
  return Promise.all([
    outputOf('ListDecisions', async () => listed),
    outputOf('GetPolicyStatus', () => client.getPolicyStatus()),
    outputOf('ExplainDecision of a question', () =>
      client.explainDecision({ about: { case: 'question', value: question } }),
    ),
    ...explained,
  ]);
}

/** Refusals that name what was wrong. */
async function askWrongly({ client, text }: CanaryWorld): Promise<readonly Output[]> {
  const name = text('field-name');
  const input = [{ part: { case: 'text', value: { text: 'x' } } }] as const;
  return Promise.all([
    outputOf('StartRun with a wrong name of metadata', () =>
      client.startRun({ agent: 'worker', input: [...input], metadata: { [name]: 'x' } }),
    ),
    outputOf('GetTool of none', () => client.getTool(name.slice(0, 128))),
    outputOf('CallTool of none', () => client.callTool(name.slice(0, 128))),
    outputOf('GetRun of none', () => client.getRun(name.slice(0, 128))),
  ]);
}

async function readPages({ host }: CanaryWorld): Promise<readonly Output[]> {
  const paths = ['/health', '/ready', '/metrics'];
  return Promise.all(
    paths.map(async (path) => {
      const response = await fetch(`http://${host.healthAddress}${path}`);
      return { name: path, bytes: Buffer.from(await response.arrayBuffer()) };
    }),
  );
}
