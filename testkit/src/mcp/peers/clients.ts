/** MCP clients of others, each with its own way to be told what to do. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { peerScript } from '../peer-programs.ts';

/** A client that is pointed at our façade. */
export interface PeerClient {
  readonly name: string;
  /** Names of all tools. */
  readonly list: () => Promise<readonly string[]>;
  /** Calls a tool; gives everything that the client shows of the answer. */
  readonly call: (tool: string, args: Readonly<Record<string, unknown>>) => Promise<string>;
  readonly close: () => Promise<void>;
}

const commandTimeoutMs = 60_000;
const run = promisify(execFile);

/** All of them; those that stay connected are connected. */
export async function connectClients(url: string, folder: string): Promise<readonly PeerClient[]> {
  return [
    inspector('legacy', url, folder),
    inspector('modern', url, folder),
    await mcporter(url, folder),
    await sdkClient('mcp-remote', remoteTransport(url, folder)),
    await sdkClient('SDK v1', new StreamableHTTPClientTransport(new URL(url))),
  ];
}

function inspector(era: 'legacy' | 'modern', url: string, folder: string): PeerClient {
  const script = peerScript('@modelcontextprotocol/inspector', 'mcp-inspector');
  const common = ['--cli', url, '--transport', 'http', '--protocol-era', era];
  return {
    name: `inspector (${era})`,
    list: async () =>
      toolNames(await command(script, [...common, '--method', 'tools/list'], folder)),
    async call(tool, args) {
      const pairs = Object.entries(args).map(([name, value]) => `${name}=${String(value)}`);
      return command(
        script,
        [
          ...common,
          '--method',
          'tools/call',
          '--tool-name',
          tool,
          ...(pairs.length === 0 ? [] : ['--tool-arg', ...pairs]),
        ],
        folder,
      );
    },
    close: async () => undefined,
  };
}

async function mcporter(url: string, folder: string): Promise<PeerClient> {
  const config = join(folder, 'mcporter.json');
  await writeFile(config, JSON.stringify({ mcpServers: { host: { baseUrl: url } }, imports: [] }));
  const script = peerScript('mcporter', 'mcporter');
  const common = ['--config', config];
  return {
    name: 'mcporter',
    list: async () =>
      toolNames(await command(script, [...common, 'list', 'host', '--json'], folder)),
    call: async (tool, args) =>
      command(
        script,
        [...common, 'call', `host.${tool}`, '--args', JSON.stringify(args), '--output', 'raw'],
        folder,
      ),
    close: async () => undefined,
  };
}

function remoteTransport(url: string, folder: string): Transport {
  return new StdioClientTransport({
    command: process.execPath,
    args: [peerScript('mcp-remote', 'mcp-remote'), url, '--allow-http'],
    env: { HOME: folder, PATH: '' },
    stderr: 'ignore',
  });
}

async function sdkClient(name: string, transport: Transport): Promise<PeerClient> {
  const client = new Client({ name: 'peers', version: '1.0.0' });
  await client.connect(transport);
  return {
    name,
    list: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: async (tool, args) => textOf(await client.callTool({ name: tool, arguments: args })),
    close: async () => client.close(),
  };
}

function textOf(result: unknown): string {
  // Only text is expected, in the shape that every revision has for it.
  const { content } = result as { readonly content: readonly { readonly text?: string }[] };
  return content.map(({ text = '' }) => text).join('\n');
}

/** Both command lines print JSON with the tools somewhere in it. */
function toolNames(output: string): readonly string[] {
  const start = output.indexOf('{');
  const { tools = [] } = JSON.parse(output.slice(start)) as {
    readonly tools?: readonly { readonly name: string }[];
  };
  return tools.map(({ name }) => name);
}

async function command(script: string, args: readonly string[], home: string): Promise<string> {
  const options = {
    cwd: home,
    env: { HOME: home, PATH: '', NO_COLOR: '1' },
    timeout: commandTimeoutMs,
    maxBuffer: 16_777_216,
  };
  try {
    const { stdout } = await run(process.execPath, [script, ...args], options);
    return stdout;
  } catch (cause) {
    // A tool that reports an error ends some of them with 1, with the answer printed.
    const { stdout } = cause as { readonly stdout?: unknown };
    if (typeof stdout === 'string' && stdout !== '') return stdout;
    throw cause;
  }
}
