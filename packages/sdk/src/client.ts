import { Client, Metadata } from '@grpc/grpc-js';
import { AgentService, SystemService } from '@modelhost/contracts';
import type { Agent, GetStatusResponse, Model } from '@modelhost/contracts';
import { ModelHostError } from './error.ts';
import { callUnary } from './method.ts';
import type { Caller } from './method.ts';
import { longestWaitMs } from './patience.ts';
import { createPolicyMethods } from './policy.ts';
import type { PolicyMethods } from './policy.ts';
import { createRunMethods } from './runs.ts';
import type { AwayOptions, RunMethods } from './runs.ts';
import { readSecurity } from './security.ts';
import type { Tls } from './security.ts';
import { createSessionMethods } from './sessions.ts';
import type { SessionMethods } from './sessions.ts';
import { createToolMethods } from './tools.ts';
import type { ToolMethods } from './tools.ts';

/** Where the host is and who calls. */
export interface ModelHostClientOptions extends AwayOptions {
  /** `host:port`. */
  readonly address: string;
  /** Sent as `authorization: Bearer …`. */
  readonly apiKey?: string | undefined;
  readonly tls?: Tls;
  /** Time for a call that is no stream; 60,000 unless it is given. */
  readonly timeoutMs?: number | undefined;
}

/** A host, as an application sees it. Every method rejects with `ModelHostError`, or with the reason of its signal. */
export interface ModelHostClient extends RunMethods, ToolMethods, PolicyMethods, SessionMethods {
  listAgents(): Promise<readonly Agent[]>;
  listModels(): Promise<readonly Model[]>;
  getStatus(): Promise<GetStatusResponse>;
  /** Closes the connection; calls in flight are cancelled. */
  close(): void;
}

const timeoutMsDefault = 60_000;

/** Connects on the first call. Throws `ModelHostError` for a key that cannot be sent. */
export function createModelHostClient(options: ModelHostClientOptions): ModelHostClient {
  const metadata = new Metadata();
  if (options.apiKey !== undefined) metadata.set('authorization', bearer(options.apiKey));
  const security = readSecurity(options.address, options.tls);
  const client = new Client(options.address, security.channel, {
    ...security.options,
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
    'grpc.keepalive_time_ms': 60_000,
    // As the pauses between the attempts to follow a run, so that none of them finds the connection still waiting.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': longestWaitMs,
  });
  const { timeoutMs = timeoutMsDefault } = options;
  const caller: Caller = { client, metadata, timeoutMs, inFlight: new Set() };
  const closing = new AbortController();
  return {
    ...createRunMethods(caller, options, closing.signal),
    ...createToolMethods(caller),
    ...createPolicyMethods(caller),
    ...createSessionMethods(caller),
    listAgents: async () => (await callUnary(caller, AgentService.method.listAgents, {})).agents,
    listModels: async () => (await callUnary(caller, AgentService.method.listModels, {})).models,
    getStatus: async () => callUnary(caller, SystemService.method.getStatus, {}),
    close: () => {
      closing.abort();
      for (const call of caller.inFlight) call.cancel();
      client.close();
    },
  };
}

/** grpc-js would say the whole key in its error. */
function bearer(apiKey: string): string {
  if (/^[\x20-\x7e]*$/.test(apiKey)) return `Bearer ${apiKey}`;
  throw new ModelHostError('the API key has characters that no key has', {
    code: 'unauthenticated',
    grpcStatus: 'UNAUTHENTICATED',
    facts: {},
    violations: [],
    retryAfterMs: undefined,
  });
}
