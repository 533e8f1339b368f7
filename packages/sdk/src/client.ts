import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { ChannelCredentials, ClientOptions } from '@grpc/grpc-js';
import { AgentService, SystemService, ToolService } from '@modelhost/contracts';
import type {
  Agent,
  ApproveToolsRequestSchema,
  CallToolResponse,
  ForkRunRequestSchema,
  ForkRunResponse,
  GetStatusResponse,
  GetToolResponse,
  InputAction,
  ListToolPinsResponse,
  ListRunsResponse,
  ListToolsResponse,
  Model,
  ReplayRunResponse,
  Run,
  RunEvent,
  RunSpecSchema,
  RunState,
  StartRunResponse,
  ToolPin,
  ToolServer,
} from '@modelhost/contracts';
import { isBroken, ModelHostError, toModelHostError } from './error.ts';
import type { RewoundRun } from './error.ts';
import { followEvents } from './follow.ts';
import { callUnary, openStream, readStream } from './method.ts';
import type { Caller } from './method.ts';
import { createPolicyMethods } from './policy.ts';
import type { PolicyMethods } from './policy.ts';
import { awayTimeoutMsDefault, createPatience, longestWaitMs } from './patience.ts';
import type { Patience } from './patience.ts';
import { createSessionMethods } from './sessions.ts';
import type { SessionMethods } from './sessions.ts';
import { watchRuns } from './watch.ts';
import type { WatchedItem, WatchOptions } from './watch.ts';

/** A RunSpec with only the fields that matter. */
export type RunSpecInit = MessageInitShape<typeof RunSpecSchema>;

/** A run to begin with, the step to go on from, and what is other than there. */
export type ForkInit = MessageInitShape<typeof ForkRunRequestSchema>;

/** Where the host is and who calls. */
export interface ModelHostClientOptions {
  /** `host:port`. */
  readonly address: string;
  /** Sent as `authorization: Bearer …`. */
  readonly apiKey?: string | undefined;
  /** TLS with the system's roots, or with those of a PEM file. */
  readonly tls?: boolean | { readonly caFile?: string | undefined } | undefined;
  /** Time for a call that is no stream; 60,000 unless it is given. */
  readonly timeoutMs?: number | undefined;
  /**
   * How long a host may be away while runs are followed or watched: the stream is asked for again and again meanwhile;
   * 300,000 unless it is given, and 0 gives up at once.
   */
  readonly awayTimeoutMs?: number | undefined;
  /** Called once for each time that a stream waits for its host, with what the last attempt failed with. */
  readonly onWaiting?: ((error: ModelHostError) => void) | undefined;
}

export interface FollowOptions {
  /** Events up to this one are known already. */
  readonly afterSequence?: bigint;
  readonly signal?: AbortSignal;
  /**
   * Called when the run has fewer events than the caller, as after a backup of the host was restored: what the caller has is
   * void, and all events come again. Without it that is an error, `failed_precondition`.
   */
  readonly onRewound?: (run: RewoundRun) => void;
}

export interface ListRunsOptions {
  readonly pageSize?: number;
  readonly pageToken?: string;
  readonly state?: RunState;
}

export interface ApprovalAnswer {
  readonly runId: string;
  readonly approvalId: string;
  readonly approved: boolean;
  readonly comment?: string;
}

export interface ToolResult {
  readonly runId: string;
  readonly callId: string;
  readonly content: string;
  readonly isError?: boolean;
}

export interface InputAnswer {
  readonly runId: string;
  readonly inputId: string;
  readonly action: InputAction;
  /** For ACCEPT of a form: a JSON object as text. */
  readonly contentJson?: string;
}

export interface ListToolPinsOptions {
  /** Only of this server. */
  readonly alias?: string;
  /** Only what is held back. */
  readonly pendingOnly?: boolean;
}

/** What is approved: some tools by their digests, or all of a server by the digest of their set. */
export type ToolApprovals = MessageInitShape<typeof ApproveToolsRequestSchema>;

/** Parameters of the address that a browser was sent back to by an authorization server. */
export interface ToolAuthorizationCallback {
  readonly state: string;
  readonly code: string;
  readonly iss?: string;
}

/** A host, as an application sees it. Every method rejects with `ModelHostError`, or with the reason of its signal. */
export interface ModelHostClient extends PolicyMethods, SessionMethods {
  /**
   * Starts a run and gives its events, over broken connections. Aborting the signal, or leaving, cancels the run, unless
   * the request id is that of a run which was there before.
   */
  run(spec: RunSpecInit, options?: { readonly signal?: AbortSignal }): AsyncIterable<RunEvent>;
  startRun(spec: RunSpecInit): Promise<StartRunResponse>;
  /** Gives the events of a run, over broken connections. Aborting the signal leaves the run alone. */
  followRun(runId: string, options?: FollowOptions): AsyncIterable<RunEvent>;
  /**
   * Gives what happens to many runs as one stream, over broken connections: each item once, those of a run in their order. Aborting the
   * signal, or leaving, leaves the runs alone.
   */
  watchEvents(options?: WatchOptions): AsyncIterable<WatchedItem>;
  /** Gives the events of a finished run as they come out of its journal, and at last whether they are those that were shown. */
  replayRun(
    runId: string,
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<ReplayRunResponse['item']>;
  /** Starts a new run from the first steps of another one. It is started once, also when the answer is lost. */
  forkRun(fork: ForkInit): Promise<ForkRunResponse>;
  getRun(runId: string): Promise<Run>;
  listRuns(options?: ListRunsOptions): Promise<ListRunsResponse>;
  /** False when the run was finished already. */
  cancelRun(runId: string): Promise<boolean>;
  resolveApproval(answer: ApprovalAnswer): Promise<void>;
  submitToolResult(result: ToolResult): Promise<void>;
  submitInput(answer: InputAnswer): Promise<void>;
  listAgents(): Promise<readonly Agent[]>;
  listModels(): Promise<readonly Model[]>;
  listTools(): Promise<ListToolsResponse>;
  listToolServers(): Promise<readonly ToolServer[]>;
  getTool(name: string): Promise<GetToolResponse>;
  /** Calls a tool outside any run, to try it. It is never sent twice. */
  callTool(name: string, argumentsJson?: string): Promise<CallToolResponse>;
  listToolPins(options?: ListToolPinsOptions): Promise<ListToolPinsResponse>;
  /** Gives what was approved, as it is then. */
  approveTools(approvals: ToolApprovals): Promise<readonly ToolPin[]>;
  /**
   * Gives the URL that the caller has to open in a browser before the host may act for them at a tool server; undefined
   * when it may.
   */
  beginToolAuthorization(alias: string): Promise<string | undefined>;
  /** Goes on with what the browser was sent back with. */
  finishToolAuthorization(callback: ToolAuthorizationCallback): Promise<void>;
  getStatus(): Promise<GetStatusResponse>;
  /** Closes the connection; calls in flight are cancelled. */
  close(): void;
}

const timeoutMsDefault = 60_000;

/** Connects on the first call. */
export function createModelHostClient(options: ModelHostClientOptions): ModelHostClient {
  const metadata = new Metadata();
  if (options.apiKey !== undefined) metadata.set('authorization', `Bearer ${options.apiKey}`);
  const security = readSecurity(options);
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
  const { getRun, listRuns, cancelRun } = AgentService.method;
  return {
    ...createStreams(caller, () => patienceOf(options, closing.signal)),
    ...createHistory(caller),
    startRun: async (spec) => callUnary(caller, AgentService.method.startRun, { spec }),
    getRun: async (runId) => {
      const { run } = await callUnary(caller, getRun, { runId });
      if (run === undefined) throw missing('run');
      return run;
    },
    listRuns: async (page = {}) => callUnary(caller, listRuns, page),
    cancelRun: async (runId) => (await callUnary(caller, cancelRun, { runId })).cancelled,
    resolveApproval: async (answer) => {
      await callUnary(caller, AgentService.method.resolveApproval, answer);
    },
    submitToolResult: async (result) => {
      await callUnary(caller, AgentService.method.submitToolResult, result);
    },
    listAgents: async () => (await callUnary(caller, AgentService.method.listAgents, {})).agents,
    listModels: async () => (await callUnary(caller, AgentService.method.listModels, {})).models,
    submitInput: async (answer) => {
      await callUnary(caller, AgentService.method.submitInput, answer);
    },
    ...createTools(caller),
    ...createPolicyMethods(caller, missing),
    ...createSessionMethods(caller, missing),
    getStatus: async () => callUnary(caller, SystemService.method.getStatus, {}),
    close: () => {
      closing.abort();
      for (const call of caller.inFlight) call.cancel();
      client.close();
    },
  };
}

type ToolMethods = Pick<
  ModelHostClient,
  | 'listTools'
  | 'listToolServers'
  | 'getTool'
  | 'callTool'
  | 'listToolPins'
  | 'approveTools'
  | 'beginToolAuthorization'
  | 'finishToolAuthorization'
>;

function createTools(caller: Caller): ToolMethods {
  const { method } = ToolService;
  return {
    listTools: async () => callUnary(caller, method.listTools, {}),
    listToolServers: async () => (await callUnary(caller, method.listToolServers, {})).servers,
    getTool: async (name) => callUnary(caller, method.getTool, { name }),
    callTool: async (name, argumentsJson = '') =>
      callUnary(caller, method.callTool, { name, argumentsJson }),
    listToolPins: async (options = {}) => callUnary(caller, method.listToolPins, options),
    approveTools: async (approvals) =>
      (await callUnary(caller, method.approveTools, approvals)).pins,
    beginToolAuthorization: async (alias) => {
      const begun = await callUnary(caller, method.beginToolAuthorization, { alias });
      return begun.authorizationUrl === '' ? undefined : begun.authorizationUrl;
    },
    finishToolAuthorization: async (callback) => {
      await callUnary(caller, method.finishToolAuthorization, callback);
    },
  };
}

function createStreams(
  caller: Caller,
  patienceFor: () => Patience,
): Pick<ModelHostClient, 'run' | 'followRun' | 'watchEvents'> {
  const { startRun, followRun, cancelRun, watchEvents } = AgentService.method;

  function follow(
    runId: string,
    { afterSequence = 0n, signal, onRewound }: FollowOptions = {},
  ): AsyncGenerator<RunEvent, void> {
    return followEvents({
      open: (after) => openStream(caller, followRun, { runId, afterSequence: after }),
      afterSequence,
      signal,
      patience: patienceFor(),
      onRewound,
    });
  }

  // With an id of its own a run is started once, however often its start is asked for after a lost answer.
  async function start(spec: RunSpecInit): Promise<{ runId: string; isOurs: boolean }> {
    const isNamed = spec.requestId !== undefined && spec.requestId !== '';
    const request = { spec: isNamed ? spec : { ...spec, requestId: randomUUID() } };
    const again = async (thrown: unknown): Promise<StartRunResponse> => {
      if (!isBroken(toModelHostError(thrown))) throw thrown;
      return callUnary(caller, startRun, request);
    };
    const { runId, created } = await callUnary(caller, startRun, request).catch(again);
    return { runId, isOurs: created || !isNamed };
  }

  // Start and follow are two calls here, because a connection that breaks under the one call Run cancels its run.
  async function* run(
    spec: RunSpecInit,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<RunEvent, void> {
    options.signal?.throwIfAborted();
    const { runId, isOurs } = await start(spec);
    let isFinished = false;
    try {
      for await (const event of follow(runId, options)) {
        isFinished = event.event.case === 'runFinished';
        yield event;
      }
    } finally {
      if (isOurs && !isFinished) await callUnary(caller, cancelRun, { runId }).catch(() => {});
    }
  }

  return {
    run,
    followRun: follow,
    watchEvents: (options = {}) =>
      watchRuns({
        ...options,
        open: (request) => openStream(caller, watchEvents, request),
        patience: patienceFor(),
      }),
  };
}

function createHistory(caller: Caller): Pick<ModelHostClient, 'replayRun' | 'forkRun'> {
  const { replayRun, forkRun } = AgentService.method;

  async function* replay(
    runId: string,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<ReplayRunResponse['item'], void> {
    try {
      const stream = openStream(caller, replayRun, { runId });
      for await (const { item } of readStream(stream, signal)) yield item;
    } catch (thrown) {
      signal?.throwIfAborted();
      throw toModelHostError(thrown);
    }
  }

  return {
    replayRun: replay,
    forkRun: async (fork) => {
      const isNamed = fork.requestId !== undefined && fork.requestId !== '';
      const request = isNamed ? fork : { ...fork, requestId: randomUUID() };
      return callUnary(caller, forkRun, request).catch(async (thrown: unknown) => {
        if (!isBroken(toModelHostError(thrown))) throw thrown;
        return callUnary(caller, forkRun, request);
      });
    },
  };
}

function patienceOf(
  { awayTimeoutMs, onWaiting }: ModelHostClientOptions,
  closing: AbortSignal,
): Patience {
  return createPatience({
    timeoutMs: awayTimeoutMs ?? awayTimeoutMsDefault,
    now: () => performance.now(),
    random: Math.random,
    wait: async (waitMs, signal) => delay(waitMs, undefined, { signal }).catch(() => {}),
    onWaiting,
    closing,
  });
}

interface Security {
  readonly channel: ChannelCredentials;
  readonly options: ClientOptions;
}

function readSecurity({ address, tls }: ModelHostClientOptions): Security {
  if (tls === undefined || tls === false) {
    return { channel: credentials.createInsecure(), options: {} };
  }
  const caFile = tls === true ? undefined : tls.caFile;
  const roots = caFile === undefined ? null : readFileSync(caFile);
  const host = address.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) === 0) return { channel: credentials.createSsl(roots), options: {} };
  // TLS takes no address as the name of a server, and grpc-js gives it one; so it is given a name that nobody has, while
  // the certificate is still held against the address.
  const verify = {
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      checkServerIdentity(host, certificate),
  };
  const channel = credentials.createSsl(roots, null, null, verify);
  return { channel, options: { 'grpc.ssl_target_name_override': 'address.invalid' } };
}

function missing(field: string): ModelHostError {
  return new ModelHostError(`the answer of the host has no ${field}`, {
    code: 'transport',
    grpcStatus: 'INTERNAL',
    facts: {},
    violations: [],
    retryAfterMs: undefined,
  });
}
