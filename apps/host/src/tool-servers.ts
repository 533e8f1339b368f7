import type { ToolServerSpec } from '@modelhost/mcp-gateway';
import type { HostConfig } from './config/read-config.ts';
import type { ToolServerConfig } from './config/tree.ts';
import { revealAll } from './providers.ts';

/** The tool servers of a configuration, secrets revealed. */
export function readToolServers(config: HostConfig): readonly ToolServerSpec[] {
  return config.tree.tools.servers.map((server) => ({
    alias: server.alias,
    transport: toTransport(server, config),
    connectTimeoutMs: server.connectTimeoutMs,
    callTimeoutMs: server.callTimeoutMs,
    resultBytesMax: server.resultBytesMax,
    effects: server.effects,
  }));
}

function toTransport(
  { command, args, env, cwd, url, headers }: ToolServerConfig,
  { reveal, pathOf }: HostConfig,
): ToolServerSpec['transport'] {
  if (command === undefined) {
    // The configuration was refused unless it has a command or a url.
    return { type: 'http', url: url ?? '', headers: revealAll(headers, reveal) };
  }
  return {
    type: 'stdio',
    // A program beside the configuration is named relative to it, any other is looked up in PATH.
    command: command.startsWith('.') ? pathOf(command) : command,
    args: args.map(reveal),
    env: revealAll(env, reveal),
    ...(cwd === undefined ? {} : { cwd: pathOf(cwd) }),
  };
}
