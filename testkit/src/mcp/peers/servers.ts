/** Tool servers of others, as their manuals start them, with one harmless call of each. */
import { join } from 'node:path';
import { peerScript } from '../peer-programs.ts';

/** A server and what is asked of it. */
export interface PeerServer {
  readonly alias: string;
  readonly transport:
    | {
        readonly type: 'stdio';
        readonly args: readonly string[];
        readonly env: Readonly<Record<string, string>>;
      }
    | { readonly type: 'http'; readonly url: string };
  readonly toolCount: number;
  readonly call: {
    readonly tool: string;
    readonly arguments: Readonly<Record<string, string | number | boolean>>;
    /** What the answer must hold. */
    readonly expected: RegExp;
  };
}

/** All of them. The folder is theirs; `everythingUrl` is the same server as the first, over HTTP. */
export function peerServers(folder: string, everythingUrl: string): readonly PeerServer[] {
  // Thirteen, and four that it offers to whoever can sample, elicit and name roots.
  const everything = { toolCount: 17, call: sum };
  return [
    { alias: 'everything', transport: stdio('everything', ['stdio']), ...everything },
    { alias: 'everything-http', transport: { type: 'http', url: everythingUrl }, ...everything },
    {
      alias: 'files',
      transport: stdio('filesystem', [folder]),
      toolCount: 14,
      call: {
        tool: 'list_allowed_directories',
        arguments: {},
        expected: new RegExp(RegExp.escape(folder)),
      },
    },
    {
      alias: 'memory',
      transport: stdio('memory', [], { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') }),
      toolCount: 9,
      call: { tool: 'read_graph', arguments: {}, expected: /"?entities"?/ },
    },
    {
      alias: 'thinking',
      transport: stdio('sequential-thinking', []),
      toolCount: 1,
      call: {
        tool: 'sequentialthinking',
        arguments: { thought: 'one', nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 },
        expected: /thoughtHistoryLength/,
      },
    },
    {
      alias: 'browser',
      transport: {
        type: 'stdio',
        args: [peerScript('@playwright/mcp', 'playwright-mcp'), '--headless', '--isolated'],
        env: {},
      },
      toolCount: 25,
      // Without a browser on the machine it says so, in its own words: the call has arrived all the same.
      call: { tool: 'browser_close', arguments: {}, expected: /###/ },
    },
  ];
}

const sum: PeerServer['call'] = {
  tool: 'get-sum',
  arguments: { a: 19, b: 23 },
  expected: /42/,
};

/** The script of one of the reference servers. */
export function referenceServer(name: string): string {
  return peerScript(`@modelcontextprotocol/server-${name}`, `mcp-server-${name}`);
}

function stdio(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): PeerServer['transport'] {
  return { type: 'stdio', args: [referenceServer(name), ...args], env };
}
