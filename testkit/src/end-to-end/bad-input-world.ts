import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { createModelHostClient, ModelHostError } from '@modelhost/sdk';
import type { ModelHostClient, RunSpecInit } from '@modelhost/sdk';
import { RunEndReason, ToolOutcome } from '@modelhost/contracts';
import type { ErrorData, RunEvent, RunResult } from '@modelhost/contracts';
import { agentConfig, createSetup, providerConfig, toolServerConfig } from './host-setup.ts';
import { startMockProvider } from './mock-provider.ts';
import type { MockAnswer, MockProvider } from './mock-provider.ts';
import type { CallFailure } from './raw-call.ts';
import { startHost } from './start-host.ts';
import { toolsReady } from './tools-ready.ts';
import type { HostProcess } from './start-host.ts';

/** What all rows of the table act on. */
export interface World {
  readonly mock: MockProvider;
  readonly host: HostProcess;
  /** A client of the tenant `acme`. */
  readonly client: ModelHostClient;
  /** A client of the tenant `globex`. */
  readonly stranger: ModelHostClient;
  /** Has four connections, and half a second for a call. */
  readonly strictHost: HostProcess;
}

/** One bad input and exactly what comes of it. */
export interface Row {
  readonly title: string;
  readonly act: (world: World) => Promise<unknown>;
  readonly expected: unknown;
}

/** The key of the client of `acme`. */
export const acmeKey = 'mh_acme_secret';
const globexKey = 'mh_globex_secret';

/** Starts both hosts. */
export async function startWorld(t: TestContext): Promise<World> {
  const mock = await startMockProvider(t);
  const [host, strictHost] = await Promise.all([
    startHost(t, mainSetup(mock)),
    startHost(
      t,
      createSetup({
        providerUrl: mock.url,
        providers: [providerConfig('sleepy', mock.sleepyUrl)],
        server: { maxConnections: 4, requestTimeoutMs: 500 },
      }),
    ),
  ]);
  const [client, stranger] = [acmeKey, globexKey].map((apiKey) =>
    createModelHostClient({ address: host.grpcAddress, apiKey }),
  );
  if (client === undefined || stranger === undefined) throw new Error('two keys give two clients');
  t.after(() => {
    client.close();
    stranger.close();
  });
  await toolsReady(client, 'tools', 'slow');
  return { mock, host, client, stranger, strictHost };
}

function mainSetup(mock: MockProvider): ReturnType<typeof createSetup> {
  const everyTool = { tools: ['tools__*', 'slow__*', 'dead__*'] };
  return createSetup({
    providerUrl: mock.url,
    server: {
      auth: { apiKeys: [apiKeyConfig('acme', acmeKey), apiKeyConfig('globex', globexKey)] },
    },
    providers: [providerConfig('closed', 'http://127.0.0.1:1/v1')],
    agents: [
      agentConfig('user-of-tools', 'mock', everyTool),
      agentConfig('hasty', 'mock', { modelCallTimeoutMs: 300 }),
      agentConfig('unreachable', 'closed'),
      agentConfig('forbidden', 'mock'),
    ],
    toolServers: [
      toolServerConfig('slow', { callTimeoutMs: 200 }),
      toolServerConfig('dead', {}, ['dead']),
    ],
    policies,
  });
}

function apiKeyConfig(tenant: string, key: string): object {
  const hash = `sha256:${createHash('sha256').update(key).digest('hex')}`;
  return { id: tenant, hash, tenant, subject: `user-of-${tenant}` };
}

const policies = `
@id("all") @message("all is permitted")
permit (principal, action, resource);

@id("no-input") @message("this agent takes nothing")
forbid (principal, action == ModelHost::Action::"AcceptInput", resource == ModelHost::Agent::"forbidden");

// With a condition, so that the model sees the tool and asks for it.
@id("no-tool") @message("this tool is not for agents")
forbid (principal, action == ModelHost::Action::"tools__forbidden", resource) when { context.counters.toolCalls >= 0 };

@id("ask") @message("somebody must agree") @remedy("approval") @self_approval("allowed")
forbid (principal, action == ModelHost::Action::"tools__held", resource)
unless {
  context has approval && context.approval.callDigest == context.callDigest &&
  context.now < context.approval.expires
};
`;

/** A spec whose task tells the mock what to answer. */
export function specOf(answer: MockAnswer, changes: RunSpecInit = {}): RunSpecInit {
  return { agent: 'worker', input: [textPart(JSON.stringify(answer))], ...changes };
}

/** A part of an input. */
export function textPart(text: string): NonNullable<RunSpecInit['input']>[number] {
  return { part: { case: 'text', value: { text } } };
}

/** What a call of the client fails with; throws when it does not fail. */
export async function failureOf(call: Promise<unknown>): Promise<CallFailure> {
  try {
    await call;
  } catch (thrown) {
    if (!(thrown instanceof ModelHostError)) throw thrown;
    const { grpcStatus: status, code: reason, facts, violations } = thrown;
    return { status, reason, facts: { ...facts }, fields: violations.map(({ field }) => field) };
  }
  throw new Error('the call did not fail');
}

/** The refusal of a request because of these fields. */
export function refused(...fields: readonly string[]): CallFailure {
  const facts = { field: fields[0] ?? '' };
  return { status: 'INVALID_ARGUMENT', reason: 'validation_failed', facts, fields };
}

/** Every event of a run. */
export async function eventsOf(
  { client }: World,
  spec: RunSpecInit,
): Promise<readonly RunEvent['event'][]> {
  const events: RunEvent['event'][] = [];
  for await (const { event } of client.run(spec)) events.push(event);
  return events;
}

/** How a run ends. */
export async function endingOf(world: World, spec: RunSpecInit): Promise<object> {
  const last = (await eventsOf(world, spec)).at(-1);
  if (last?.case !== 'runFinished') throw new Error('the run has no ending');
  return toEnding(last.value.result);
}

/** How a run ends whose model asks for one tool call, and how that call did. */
export async function toolOutcomeOf(
  world: World,
  name: string,
  argumentsText: string,
): Promise<object> {
  const answer = { type: 'calls', calls: [{ name, arguments: argumentsText }] } as const;
  const events = await eventsOf(world, specOf(answer, { agent: 'user-of-tools' }));
  const last = events.at(-1);
  const finished = events.find((event) => event.case === 'toolFinished');
  if (finished === undefined || last?.case !== 'runFinished') throw new Error('no tool was called');
  const { outcome, truncated, error } = finished.value;
  return {
    outcome: nameOf(ToolOutcome, outcome),
    ...(truncated ? { truncated, bytes: Buffer.byteLength(finished.value.content) } : {}),
    ...toError(error),
    run: nameOf(RunEndReason, last.value.result?.reason),
  };
}

/** Name of a value of an enum of the contract. */
function nameOf(
  values: Readonly<Record<string, number>>,
  value: number | undefined,
): string | undefined {
  return Object.keys(values).find((name) => values[name] === value);
}

function toEnding(result: RunResult | undefined): object {
  return { ending: nameOf(RunEndReason, result?.reason), ...toError(result?.error) };
}

function toError(error: ErrorData | undefined): object {
  if (error === undefined) return {};
  const { code, facts, message, retryAfter } = error;
  const retry = retryAfter === undefined ? {} : { retryAfterMs: durationMs(retryAfter) };
  return { code, facts: { ...facts }, message, ...retry };
}
