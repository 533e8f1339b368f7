/** A run of an agent, over gRPC and under policy, that calls a tool of each server. */
import { ToolOutcome } from '@modelhost/contracts';
import { createModelHostClient } from '@modelhost/sdk';
import { startHost } from '../../end-to-end/start-host.ts';
import { toolsReady } from '../../end-to-end/tools-ready.ts';
import type { PeerServer } from './servers.ts';

/** What came of the run. */
export interface AgentRun {
  readonly toolsSeen: number;
  /** Aliases of the servers whose tool answered as it should. */
  readonly answered: readonly string[];
}

const policy = `
@id("peers.all") @message("all is permitted") permit (principal, action, resource);
`;

/** Starts a host with all the servers and a scripted model; `defer` gets what ends it. */
export async function runAgent(
  servers: readonly PeerServer[],
  defer: (end: () => Promise<void>) => void,
): Promise<AgentRun> {
  const calls = servers.map(({ alias, call }) => ({
    name: `${alias}__${call.tool}`,
    arguments: call.arguments,
  }));
  const host = await startHost(
    { after: defer },
    {
      config: {
        server: { port: 0, healthPort: 0, dataDirectory: 'data' },
        providers: [
          {
            name: 'script',
            type: 'scripted',
            scriptFile: 'script.yaml',
            models: [{ id: 'script', model: 'script' }],
          },
        ],
        agents: [
          {
            id: 'worker',
            model: 'script',
            tools: servers.map(({ alias }) => `${alias}__*`),
            // The model of this run asks for the tools themselves.
            toolSearch: 'never',
          },
        ],
        tools: { servers: servers.map(toConfig) },
        policies: { directory: 'policies' },
      },
      files: {
        'policies/all.cedar': policy,
        'script.yaml': JSON.stringify([
          { when: { turn: 1 }, toolCalls: calls },
          { when: { turn: 2 }, text: 'All were asked.' },
        ]),
      },
    },
  );
  const client = createModelHostClient({ address: host.grpcAddress });
  defer(async () => client.close());
  await toolsReady(client, ...servers.map(({ alias }) => alias));
  const { tools } = await client.listTools();
  const answered: string[] = [];
  const spec = {
    agent: 'worker',
    input: [{ part: { case: 'text' as const, value: { text: 'Go.' } } }],
  };
  for await (const { event } of client.run(spec)) {
    if (event.case !== 'toolFinished') continue;
    const { tool, outcome, content } = event.value;
    // A tool that says itself that it failed was called all the same.
    if (outcome !== ToolOutcome.OK && outcome !== ToolOutcome.TOOL_ERROR) continue;
    const server = servers.find(({ alias }) => tool.startsWith(`${alias}__`));
    if (server?.call.expected.test(content) === true) answered.push(server.alias);
  }
  return { toolsSeen: tools.length, answered };
}

function toConfig({ alias, transport }: PeerServer): object {
  const common = { alias, connectTimeoutMs: 60_000, effects: { '*': 'none' } };
  if (transport.type === 'http') return { ...common, url: transport.url };
  return { ...common, command: process.execPath, args: transport.args, env: transport.env };
}
