import { HostError } from '@modelhost/kernel';
import type {
  FieldViolation,
  JsonObject,
  JsonSchemas,
  ToolAnswer,
  ToolDefinition,
  ToolGateway,
  ToolInvocation,
} from '@modelhost/kernel';
import { mergeCatalogues } from './catalogue.ts';
import { signalGroup } from './process-group.ts';
import type { EndingTimes } from './process-group.ts';
import { checkAliases } from './server-spec.ts';
import type { ToolServerLogEntry, ToolServerSpec } from './server-spec.ts';
import { createToolServer } from './tool-server.ts';
import type { ToolServer } from './tool-server.ts';

/** The gateway, a way to wait for its first attempts, and one to leave in a hurry. */
export type McpGateway = ToolGateway & {
  /** Settles when every server is ready or failed; never rejects. */
  connected(): Promise<void>;
  /** Kills every child process and does not wait: for a process that is about to exit. */
  kill(): void;
};

/** What the gateway is made of. */
export interface ToolGatewayOptions {
  readonly servers: readonly ToolServerSpec[];
  readonly schemas: JsonSchemas;
  /** Told to the servers as the version of `model-host`. */
  readonly clientVersion: string;
  readonly onLog?: (entry: ToolServerLogEntry) => void;
  /** Where the few variables that children inherit come from, such as PATH: the environment of the host. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
  /** How long a child may take to leave, for each stage of its ending. */
  readonly endingTimes?: EndingTimes;
}

const defaultEndingTimes: EndingTimes = { inputEndMs: 1_000, terminateMs: 1_000, killMs: 1_000 };
const logMessageLengthMax = 4_096;

/**
 * Starts to connect to every server at once and serves what is there. Throws `config_invalid` for bad aliases; a
 * server that fails never makes the gateway fail. `close` leaves no process behind.
 */
export function createToolGateway(options: ToolGatewayOptions): McpGateway {
  checkAliases(options.servers);
  let merged: readonly ToolDefinition[] | undefined;
  const groups = new Set<number>();
  const servers = options.servers.map((spec) => createServer(spec, options, { groups, forget }));
  const firstAttempts = Promise.allSettled(servers.map((server) => server.connect()));

  function forget(): void {
    merged = undefined;
  }

  function listTools(): readonly ToolDefinition[] {
    for (const server of servers) server.revive();
    merged ??= mergeCatalogues(servers.map((server) => server.catalogue()));
    return merged;
  }

  function serverOf(tool: string): ToolServer {
    const server = servers.find((candidate) => candidate.catalogue().has(tool));
    if (server !== undefined) return server;
    throw new HostError('mcp_tool_not_found', 'no such tool', { facts: { tool } });
  }

  function checkArguments(tool: string, values: JsonObject): readonly FieldViolation[] {
    return serverOf(tool).catalogue().get(tool)?.check(values) ?? [];
  }

  async function callTool(
    invocation: ToolInvocation,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<ToolAnswer> {
    return await serverOf(invocation.tool).call(invocation, signal);
  }

  async function close(): Promise<void> {
    await Promise.all(servers.map((server) => server.close()));
    await firstAttempts;
  }

  return {
    listTools,
    checkArguments,
    callTool,
    servers: () => servers.map((server) => server.status()),
    close,
    connected: async () => void (await firstAttempts),
    kill: () => {
      for (const leader of groups) signalGroup(leader, 'SIGKILL');
    },
  };
}

function createServer(
  spec: ToolServerSpec,
  { schemas, clientVersion, onLog, environment, now, endingTimes }: ToolGatewayOptions,
  { groups, forget }: { readonly groups: Set<number>; readonly forget: () => void },
): ToolServer {
  return createToolServer({
    spec,
    schemas,
    clientVersion,
    environment,
    endingTimes: endingTimes ?? defaultEndingTimes,
    groups,
    now: now ?? (() => performance.now()),
    log: (source, message) => {
      onLog?.({ server: spec.alias, source, message: message.slice(0, logMessageLengthMax) });
    },
    onCatalogueChanged: forget,
  });
}
