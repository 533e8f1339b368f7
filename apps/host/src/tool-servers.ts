import type { ToolServerSpec } from '@modelhost/mcp-gateway';
import type { ToolServerAuthConfig, ToolServerConfig } from './config/mcp-tree.ts';
import type { HostConfig } from './config/read-config.ts';
import { revealAll } from './providers.ts';

type Credential = ToolServerSpec['credential'];

/** The tool servers of a configuration, secrets revealed. */
export function readToolServers(config: HostConfig): readonly ToolServerSpec[] {
  return config.tree.tools.servers.map((server) => {
    const { maxCallsInFlight, maxCallsQueued, tenants, tools, memoryBytesMax, auth } = server;
    return {
      alias: server.alias,
      transport: toTransport(server, config),
      credential: withoutGaps(toCredential(auth, config.reveal)),
      tenants,
      tools,
      start: server.start,
      idleMs: server.idleMs,
      connectTimeoutMs: server.connectTimeoutMs,
      listTimeoutMs: server.listTimeoutMs,
      callTimeoutMs: server.callTimeoutMs,
      progressTimeoutMs: server.progressTimeoutMs,
      callsInFlightMax: maxCallsInFlight,
      queueMax: maxCallsQueued,
      memoryBytesMax,
      resultBytesMax: server.resultBytesMax,
      effects: server.effects,
      integrity: server.integrity,
      decisionArguments: server.decisionArguments,
      egress: server.egress,
      confidentiality: server.confidentiality,
      clearance: server.clearance,
      summedArguments: server.summedArguments,
      references: server.references,
      replay: server.replay,
      pinning: server.pinning,
      outputSchema: server.outputSchema,
      roots: server.roots,
      allowPrivateNetwork: server.allowPrivateNetwork,
    };
  });
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

function toCredential(auth: ToolServerAuthConfig, reveal: HostConfig['reveal']): Gappy<Credential> {
  switch (auth.type) {
    case 'none':
      return auth;
    case 'client-credentials':
      return { ...auth, clientSecret: reveal(auth.clientSecret) };
    case 'private-key-jwt': {
      const { privateKey, algorithm, ...client } = auth;
      return { ...client, key: { privateKeyPem: reveal(privateKey), algorithm } };
    }
    case 'user-oauth': {
      const { client } = auth;
      if (client?.clientSecret === undefined) return auth;
      return { ...auth, client: { ...client, clientSecret: reveal(client.clientSecret) } };
    }
    case 'token-exchange': {
      const { subjectKey, subjectAlgorithm: algorithm, ...rest } = auth;
      return {
        ...rest,
        clientSecret: reveal(auth.clientSecret),
        subjectKey: { privateKeyPem: reveal(subjectKey), algorithm },
      };
    }
  }
}

/** The same with `undefined` where the type says that a member may be absent. */
type Gappy<Value> = Value extends object
  ? {
      readonly [Key in keyof Value]:
        | Gappy<Value[Key]>
        | (undefined extends Value[Key] ? undefined : never);
    }
  : Value;

/** What the configuration does not have is absent, not undefined. */
function withoutGaps(credential: Gappy<Credential>): Credential {
  // Only members that are undefined go, and those may be absent.
  return JSON.parse(JSON.stringify(credential)) as Credential; // oxlint-disable-line no-restricted-properties -- its keys are ours
}
