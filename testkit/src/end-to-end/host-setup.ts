import { fileURLToPath } from 'node:url';
import type { HostSetup } from './start-host.ts';

/** What differs between the hosts of the tests. */
export interface SetupOptions {
  /** Base URL of the provider of the agent `worker`. */
  readonly providerUrl: string;
  readonly server?: object;
  readonly providers?: readonly object[];
  readonly agents?: readonly object[];
  readonly toolServers?: readonly object[];
  readonly policies?: string;
  /** At `debug` the log has what tool servers write on stderr. */
  readonly logLevel?: 'info' | 'debug';
}

/** A host with the agent `worker`, the mock's model and the tools of `tool-server.ts` under the alias `tools`. */
export function createSetup(options: SetupOptions): HostSetup {
  const { providerUrl, server, providers = [], agents = [], toolServers = [] } = options;
  return {
    config: {
      server: { port: 0, healthPort: 0, dataDirectory: 'data', ...server },
      providers: [providerConfig('mock', providerUrl), ...providers],
      agents: [agentConfig('worker', 'mock'), ...agents],
      tools: { servers: [toolServerConfig('tools'), ...toolServers] },
      policies: { directory: 'policies' },
      telemetry: { logLevel: options.logLevel ?? 'info' },
    },
    files: { 'policies/all.cedar': options.policies ?? permitAll },
  };
}

/** A provider of chat completions whose only model has the provider's name. */
export function providerConfig(name: string, baseUrl: string): object {
  return { name, type: 'openai-chat', baseUrl, models: [{ id: name, model: 'mock-1' }] };
}

/** An agent with the tools of the alias `tools`. */
export function agentConfig(id: string, model: string, changes: object = {}): object {
  return { id, model, tools: ['tools__*'], ...changes };
}

/** The tools of `tool-server.ts` under an alias. */
export function toolServerConfig(
  alias: string,
  changes: object = {},
  args: readonly string[] = [],
): object {
  const script = fileURLToPath(new URL('tool-server.ts', import.meta.url));
  return {
    alias,
    command: process.execPath,
    args: [script, ...args],
    resultBytesMax: 1_024,
    ...changes,
  };
}

const permitAll = '@id("all") @message("all is permitted") permit (principal, action, resource);';
