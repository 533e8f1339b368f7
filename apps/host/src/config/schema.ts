import { z } from 'zod';
import { mcp } from './mcp-schema.ts';
import { policies } from './policies-schema.ts';
import { redaction } from './redaction-schema.ts';
import { alias, toolServer } from './tools-schema.ts';
import type { ConfigTree } from './tree.ts';
import { count, day, labels, milliseconds, name, port, secret, text } from './values.ts';

const apiKey = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9]{4,32}$/, { error: 'must be 4 to 32 of a-z and 0-9' })
    .describe('The part of the key that is no secret; `keys create` prints the whole entry.'),
  hash: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, {
      error: 'must be sha256: and 64 hex digits; make a key with `model-host keys create`',
    })
    .describe('Of the key, which is kept nowhere.'),
  tenant: name.describe('Tenant of whoever calls with it.'),
  subject: z.string().min(1).max(128).describe('Who that is, in policy and on record.'),
  roles: z.array(name).max(64).default([]).describe('Roles in that tenant.'),
});

const server = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address of the gRPC listener.'),
  port: port.default(7443).describe('Port of the gRPC listener; 0 takes a free one.'),
  healthHost: z.string().min(1).optional().describe('Address of /health and /ready; as host.'),
  healthPort: port.default(8080).describe('Port of /health and /ready; 0 takes a free one.'),
  maxConnections: count(1, 100_000).default(1_000).describe('Connections to the gRPC listener.'),
  maxRunsInFlight: count(1, 100_000)
    .default(1_000)
    .describe('Runs in memory; one that only waits leaves it.'),
  requestTimeoutMs: milliseconds(1, day)
    .default(30_000)
    .describe('Time for a call that is no stream.'),
  gracefulShutdownTimeoutMs: milliseconds(0, day)
    .default(30_000)
    .describe('Time for runs that work after SIGTERM; what is left goes on after the next start.'),
  tls: z
    .strictObject({
      certFile: text.describe('The certificate, and those between it and its authority.'),
      keyFile: text.describe('Its private key.'),
    })
    .optional()
    .describe('Certificate chain and private key of the gRPC listener, as PEM files.'),
  insecureBehindProxy: z
    .boolean()
    .default(false)
    .describe('Allows an address beyond loopback without TLS, where a proxy ends it.'),
  dataDirectory: text
    .default('.model-host')
    .describe('Where runs, the audit file and the master key are.'),
  auth: z.strictObject({ apiKeys: z.array(apiKey).max(10_000).default([]) }).prefault({}),
});

const model = z.strictObject({
  id: name.describe('Name of the route, unique over all providers.'),
  model: text.describe('Name of the model at its provider.'),
  contextTokens: count(256, 100_000_000)
    .default(128_000)
    .describe('Tokens of input and output together.'),
  maxOutputTokens: count(1, 1_000_000).default(4_096).describe('Most tokens of one answer.'),
  inputUsdPerMillionTokens: z
    .number()
    .min(0)
    .max(100_000)
    .default(0)
    .describe('What budgets of cost count with.'),
  outputUsdPerMillionTokens: z
    .number()
    .min(0)
    .max(100_000)
    .default(0)
    .describe('What budgets of cost count with.'),
});

const provider = z.strictObject({
  name: name.describe('As `/ready` and errors name it.'),
  type: z
    .enum(['openai-chat', 'openai-responses', 'anthropic', 'gemini', 'scripted'])
    .describe('The API that it speaks; scripted is a stand-in for a model.'),
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where its API begins; each type has its own default.'),
  apiKey: secret.optional().describe('${env:…} or ${file:…}.'),
  scriptFile: text
    .optional()
    .describe('For scripted: a YAML file of steps; without it the built-in skill answers.'),
  headers: labels
    .default({})
    .describe('Sent with each request; values may hold ${env:…} and ${file:…}.'),
  models: z.array(model).min(1).max(1_000),
});

const budget = z
  .strictObject({
    maxTokens: count(1, 1_000_000_000)
      .default(200_000)
      .describe('Input and output of all model calls of a run.'),
    maxCostUsd: z.number().min(0).max(1_000_000).default(1).describe('Cost of all of them.'),
    maxSteps: count(1, 10_000).default(50).describe('Model calls and tool calls together.'),
    maxToolCalls: count(0, 10_000).default(30).describe('Tool calls.'),
    maxDurationMs: milliseconds(1, 30 * day)
      .default(600_000)
      .describe('From the start to the end, waiting for people included.'),
  })
  .prefault({});

const sampling = z
  .strictObject({
    temperature: z
      .number()
      .min(0)
      .max(2)
      .optional()
      .describe(
        'These are left to the provider where they are not given; a run may override them.',
      ),
    topP: z.number().gt(0).max(1).optional(),
    maxOutputTokens: count(1, 1_000_000).optional(),
    stopSequences: z.array(z.string().min(1).max(64)).max(4).optional(),
    seed: count(0, Number.MAX_SAFE_INTEGER).optional(),
  })
  .prefault({});

const agent = z.strictObject({
  id: name.describe('As runs name it.'),
  description: z.string().max(4_096).default('').describe('For people.'),
  instructions: z
    .string()
    .max(65_536)
    .default('')
    .describe('What the model is told before every task.'),
  model: name.describe('Id of a model of a provider.'),
  tools: z
    .array(z.string().min(1).max(64))
    .max(1_000)
    .default([])
    .describe('Names of tools, or alias__* for all tools of a server.'),
  budget,
  sampling,
  maxToolCallsInFlight: count(1, 64).default(8).describe('Of one run.'),
  toolCallTimeoutMs: milliseconds(1, day)
    .default(30_000)
    .describe('Time for a tool call; the one of its server counts as well.'),
  modelCallTimeoutMs: milliseconds(1, day).default(120_000).describe('Time for a model call.'),
  approvalTimeoutMs: milliseconds(1, 30 * day)
    .default(300_000)
    .describe('Time for an approval, an answer to a tool server, or the result of a client tool.'),
  toolSearch: z
    .enum(['auto', 'always', 'never'])
    .default('auto')
    .describe('Offers a search instead of the tools; auto: when they take 2 % of the context.'),
  compaction: z
    .enum(['auto', 'never'])
    .default('auto')
    .describe('Summarizes the older part of a conversation that fills too much of the context.'),
  compactAtPercent: count(10, 95)
    .default(80)
    .describe('How much of the context a request and its answer may fill before that.'),
  samplingServers: z
    .array(alias)
    .max(1_000)
    .default([])
    .describe('Tool servers that may ask the model of a run, within its budget.'),
});

const runs = z.strictObject({
  days: count(1, 36_500).default(30).describe('How long a finished run is kept.'),
  eventDays: count(1, 36_500).default(7).describe('How long the events of a finished run are.'),
  parkAfterMs: milliseconds(0, day)
    .default(60_000)
    .describe('How long a run only waits before it leaves memory.'),
});

/** The whole configuration as it is written; everything has a default but providers, agents and policies. */
export const configSchema: z.ZodType<ConfigTree> = z.strictObject({
  server: server.prefault({}),
  providers: z.array(provider).max(1_000),
  agents: z.array(agent).max(10_000),
  tools: z.strictObject({ servers: z.array(toolServer).max(1_000).default([]) }).prefault({}),
  mcp: mcp.optional(),
  policies,
  runs: runs.prefault({}),
  redaction: redaction.prefault({}),
  memory: z
    .strictObject({
      enabled: z
        .literal(false, { error: 'memory is not built yet; leave it false' })
        .default(false),
    })
    .prefault({}),
  telemetry: z
    .strictObject({
      logLevel: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
        .default('info')
        .describe('The least that is logged.'),
    })
    .prefault({}),
});

/** JSON Schema 2020-12 of the file, for editors. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input' });
}
