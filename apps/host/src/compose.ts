import { join } from 'node:path';
import { createCallGovernor, createCallLedger } from '@modelhost/agent-core';
import type { CallGovernor, CallLedger } from '@modelhost/agent-core';
import { openAuditFile } from '@modelhost/audit';
import { createJsonSchemas } from '@modelhost/json-schema';
import type {
  AgentSpec,
  AuditLog,
  Clock,
  Ids,
  JsonSchemas,
  Keys,
  LlmProvider,
  PolicyEngine,
  Redactor,
} from '@modelhost/kernel';
import { createMcpGateway, createPinFile, createTokenFile } from '@modelhost/mcp-gateway';
import type { McpGateway, McpRelay } from '@modelhost/mcp-gateway';
import type { Logger } from 'pino';
import { readAgents, readRoutes } from './agents.ts';
import type { ConfiguredRoute } from './agents.ts';
import { createRandomIds, createSystemClock } from './clock.ts';
import type { HostConfig } from './config/read-config.ts';
import { governRelay } from './mcp/govern-relay.ts';
import { recordDrift } from './mcp/record-drift.ts';
import { createServerLog } from './mcp/server-log.ts';
import { createPolicyControl } from './policy/create-policy-control.ts';
import type { PolicyControl } from './policy/policy-control.ts';
import { createProviders } from './providers.ts';
import { hideInAudit } from './redaction/hide-in-audit.ts';
import { hideInGateway } from './redaction/hide-in-gateway.ts';
import type { Protection } from './redaction/open-protection.ts';
import { readToolServers } from './tool-servers.ts';

/** What runs and direct calls of tools are made of. */
export interface Parts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly auditPath: string;
  readonly audit: AuditLog;
  readonly policy: PolicyEngine;
  /** What the policy comes from; `policy` is its engine. */
  readonly policyControl: PolicyControl;
  readonly schemas: JsonSchemas;
  readonly providers: ReadonlyMap<string, LlmProvider>;
  readonly keys: Keys;
  readonly redactor: Redactor;
  readonly tools: McpGateway;
  /** What principals called before, shared by runs and direct calls. */
  readonly calls: CallLedger;
  /** Takes tool calls of no run through policy and audit. */
  readonly governor: CallGovernor;
  /** What the façade works with: the gateway's relay with the governor around it. */
  readonly relay: McpRelay;
  readonly routes: readonly ConfiguredRoute[];
  readonly agents: ReadonlyMap<string, AgentSpec>;
}

/** What composing needs beside the configuration. */
export interface ComposeOptions {
  readonly config: HostConfig;
  readonly version: string;
  readonly protection: Protection;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Puts everything together but runs: which adapter stands behind which port, and in what order. */
export async function compose(options: ComposeOptions): Promise<Parts> {
  const { config, version, environment, protection } = options;
  const { keys, redactor, log, witness } = protection;
  const { tree, pathOf } = config;
  const data = pathOf(tree.server.dataDirectory);
  const auditPath = join(data, 'audit.jsonl');
  const clock = createSystemClock();
  const schemas = createJsonSchemas();
  const providers = createProviders(config, clock);
  const pinStore = createPinFile(join(data, 'tool-pins.json'));
  await pinStore.load();
  // Whatever is open when the rest fails is closed again.
  await using opened = new AsyncDisposableStack();
  const now = (): number => clock.now();
  const auditFile = await openAuditFile({ path: auditPath, now });
  opened.defer(async () => auditFile.close());
  const audit = hideInAudit(auditFile, redactor);
  await witness.checkAudit(audit);
  const at = { pathOf, dataDirectory: data, hostVersion: version };
  const policyParts = { policies: tree.policies, clock, keys, redactor, audit, log };
  const policyControl = await createPolicyControl({ ...at, ...policyParts });
  const policy = policyControl.engine;
  const ids = createRandomIds();
  const tools = createMcpGateway({
    servers: readToolServers(config),
    schemas,
    clientVersion: version,
    environment,
    pinStore,
    tokenStore: createTokenFile(join(data, 'tool-tokens.json'), keys),
    hiding: hideInGateway(redactor),
    onLog: createServerLog({
      redactor,
      clock,
      write: ({ message, ...from }) => log.debug(from, message),
    }),
    onDrift: (drift) => void recordDrift(audit, drift, log),
  });
  const calls = createCallLedger();
  const governor = createCallGovernor({ policy, audit, keys, redactor, calls, now });
  const { onChange: onPolicyChange } = policyControl;
  const governed = { relay: tools.relay, tools, governor, policy, onPolicyChange, ids };
  const relay = governRelay(governed);
  void tools.connected().then(() => logBroken(tools, log));
  const routes = readRoutes(tree);
  const agents = readAgents(tree, routes);
  opened.move();
  return {
    clock,
    ids,
    auditPath,
    audit,
    policy,
    policyControl,
    schemas,
    providers,
    keys,
    redactor,
    tools,
    calls,
    governor,
    relay,
    routes,
    agents,
  };
}

/** The host serves without them; who looks for a missing tool finds here why it is missing. */
function logBroken(tools: McpGateway, log: Logger): void {
  for (const { alias, state, error } of tools.servers()) {
    if (state === 'failed') log.warn({ server: alias, error }, 'a tool server cannot be reached');
  }
}

/** Closes what composing has opened. */
export async function closeParts(parts: Parts): Promise<void> {
  const { tools, providers, policyControl, audit } = parts;
  // One that cannot be closed must not leave the others open: a tool server is a process.
  await using closing = new AsyncDisposableStack();
  closing.defer(async () => audit.close());
  closing.defer(async () => policyControl.close());
  for (const provider of providers.values()) closing.defer(async () => provider.close());
  closing.defer(async () => tools.close());
}
