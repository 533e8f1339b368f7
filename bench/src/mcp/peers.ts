/** Gateways of others, as their manuals start them; installed by `npm run peers`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProcess, type BenchProcess } from '../processes.ts';
import { createLegacyCaller, type Caller } from './callers.ts';

/** A gateway that listens, with a client of it. */
export interface PeerGateway extends AsyncDisposable {
  readonly name: string;
  readonly caller: Caller;
  readonly cpuMicros: () => number;
}

/** What the peers are started with. */
export interface PeerOptions {
  /** Where they may write. */
  readonly folder: string;
  /** An upstream over HTTP that speaks the older era too. */
  readonly upstreamUrl: string;
  /** An upstream over stdio. */
  readonly stdioCommand: readonly string[];
  readonly cpu: number;
  readonly isPinned: boolean;
}

interface Peer {
  readonly name: string;
  readonly tool: string;
  readonly args: (port: number, options: PeerOptions) => readonly string[];
  /** Ends what the gateway leaves behind. */
  readonly stopArgs?: (options: PeerOptions) => readonly string[];
}

const peers: readonly Peer[] = [
  {
    // It talks to its upstreams in a daemon, which no tree of processes shows: its figure is too low.
    name: 'mcporter 0.12.3',
    tool: 'up__echo',
    args: (port, { folder }) => [
      script('mcporter/dist/cli.js'),
      '--config',
      join(folder, 'mcporter.json'),
      'serve',
      '--http',
      String(port),
    ],
    stopArgs: ({ folder }) => [
      script('mcporter/dist/cli.js'),
      '--config',
      join(folder, 'mcporter.json'),
      'daemon',
      'stop',
    ],
  },
  {
    name: 'mcp-proxy 6.7.19',
    tool: 'echo',
    args: (port, { stdioCommand }) => [
      script('mcp-proxy/dist/bin/mcp-proxy.mjs'),
      '--port',
      String(port),
      '--host',
      '127.0.0.1',
      '--server',
      'stream',
      '--',
      ...stdioCommand,
    ],
  },
  {
    name: 'supergateway 4.0.0',
    tool: 'echo',
    args: (port, { stdioCommand }) => [
      script('supergateway/dist/index.js'),
      '--stdio',
      stdioCommand.join(' '),
      '--outputTransport',
      'streamableHttp',
      '--stateful',
      '--port',
      String(port),
      '--logLevel',
      'none',
    ],
  },
];

/** Starts all of them. */
export async function startPeers(options: PeerOptions): Promise<readonly PeerGateway[]> {
  const { folder, upstreamUrl } = options;
  await mkdir(join(folder, 'home'), { recursive: true });
  const servers = { up: { baseUrl: upstreamUrl, lifecycle: 'keep-alive' } };
  const config = JSON.stringify({ mcpServers: servers, imports: [] });
  await writeFile(join(folder, 'mcporter.json'), config);
  return Promise.all(peers.map((peer) => startPeer(peer, options)));
}

async function startPeer(peer: Peer, options: PeerOptions): Promise<PeerGateway> {
  const { name, tool } = peer;
  const port = await findPort();
  const placed = {
    ...options,
    cwd: options.folder,
    env: { HOME: join(options.folder, 'home') },
  };
  const process = startProcess(peer.args(port, options), placed);
  const caller = await connect(process, { url: `http://127.0.0.1:${port}/mcp`, tool });
  return {
    name,
    caller,
    cpuMicros: process.treeCpuMicros,
    async [Symbol.asyncDispose]() {
      await caller.close();
      await process[Symbol.asyncDispose]();
      if (peer.stopArgs === undefined) return;
      await startProcess(peer.stopArgs(options), placed).ended;
    },
  };
}

/** They say in different ways that they listen, so they are asked until they answer. */
async function connect(
  process: BenchProcess,
  options: { readonly url: string; readonly tool: string },
): Promise<Caller> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const caller = await createLegacyCaller(options);
      await caller.call();
      return caller;
    } catch (cause) {
      if (attempt < 60) await new Promise((resolve) => setTimeout(resolve, 500));
      else {
        await process[Symbol.asyncDispose]();
        throw new Error(`${options.url} does not answer`, { cause });
      }
    }
  }
}

/** A port that was free a moment ago: these programs must be told one. */
async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

function script(path: string): string {
  return fileURLToPath(new URL(`../../../testkit/peers/node_modules/${path}`, import.meta.url));
}
