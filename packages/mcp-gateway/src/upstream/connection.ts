import {
  Client,
  SdkError,
  SdkErrorCode,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import type { CallToolResult } from '@modelcontextprotocol/client';
import type { HostError, JsonObject } from '@modelhost/kernel';
import { createBoundedFetch } from './bounded-fetch.ts';
import type { CatalogueTool, ListedTool } from './catalogue.ts';
import type { EndingTimes } from './process-group.ts';
import { messageBytesMaxOf } from './server-spec.ts';
import type { ToolServerLogEntry, ToolServerSpec } from './server-spec.ts';
import { createStdioTransport } from './stdio-transport.ts';
import type { StdioTransport } from './stdio-transport.ts';
import { toToolError } from './tool-errors.ts';
import { wireErrorCodes } from './wire-errors.ts';

/** One negotiated connection to a tool server. */
export interface Connection {
  /** The tools of all pages, up to the caps. */
  listTools(): Promise<readonly ListedTool[]>;
  /** Sends one `tools/call`, never a second one. Rejects with an `mcp_*` error. */
  call(tool: CatalogueTool, request: CallRequest): Promise<CallToolResult>;
  /** Takes no further calls and closes when those in flight are done. */
  retire(): void;
  /** Whether the server speaks only the protocol before 2026-07-28. */
  isLegacy(): boolean;
}

/** A call as it goes out. */
export interface CallRequest {
  readonly arguments: JsonObject;
  readonly idempotencyKey: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What a connection is made of. */
export interface ConnectionOptions {
  readonly spec: ToolServerSpec;
  readonly clientVersion: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly endingTimes: EndingTimes;
  /** The leaders of the process groups that run. */
  readonly groups: Set<number>;
  /** Skips the question for the modern protocol: some old servers end when they are asked. */
  readonly isLegacy: boolean;
  readonly log: (source: ToolServerLogEntry['source'], message: string) => void;
  readonly onToolsChanged: () => void;
  /** The connection ended; `failure` says why, unless it was by `close`. */
  readonly onClosed: (failure: HostError | undefined) => void;
}

const idempotencyMetaKey = 'modelhost/idempotency-key';
const pagesMax = 32;
const toolsMax = 512;
const catalogueBytesMax = 2_097_152;
const sessionEndTimeoutMs = 1_000;

/** A connection that is not open yet. `close` ends it at any time, also while `open` runs. */
export interface NewConnection {
  open(): Promise<Connection>;
  close(): Promise<void>;
}

/** Makes client and transport; nothing is started before `open`. */
export function createConnection(options: ConnectionOptions): NewConnection {
  const { spec, log } = options;
  const { alias: server, connectTimeoutMs } = spec;
  const transport =
    spec.transport.type === 'stdio' ? openStdio(options, spec.transport) : openHttp(options);
  const client = createClient(options);
  let callsInFlight = 0;
  let isRetired = false;

  function failure(): HostError | undefined {
    return 'failure' in transport ? transport.failure() : undefined;
  }

  function toError(cause: unknown, tool: string | undefined, timeoutMs: number): HostError {
    return toToolError(cause, { server, tool, timeoutMs, transportFailure: failure() });
  }

  function logFault({ message }: Error): void {
    // Our own word for a stream that ended comes also behind an answer, where it is of no account.
    if (!message.includes(`"code":${wireErrorCodes.streamEnded}`)) log('gateway', message);
  }

  Object.assign(client, { onclose: () => options.onClosed(failure()), onerror: logFault });

  async function open(): Promise<Connection> {
    try {
      const prior = options.isLegacy ? { prior: { kind: 'legacy' as const } } : {};
      await client.connect(transport, { timeout: connectTimeoutMs, ...prior });
    } catch (cause) {
      throw toError(cause, undefined, connectTimeoutMs);
    }
    return { listTools, call, retire, isLegacy: () => client.getProtocolEra() === 'legacy' };
  }

  async function listTools(): Promise<readonly ListedTool[]> {
    if (client.getServerCapabilities()?.tools === undefined) return [];
    try {
      return await readPages(client, connectTimeoutMs, (message) => log('gateway', message));
    } catch (cause) {
      throw toError(cause, undefined, connectTimeoutMs);
    }
  }

  async function call(tool: CatalogueTool, request: CallRequest): Promise<CallToolResult> {
    callsInFlight += 1;
    try {
      return await sendCall(client, tool, request);
    } catch (cause) {
      throw toError(cause, tool.definition.name, request.timeoutMs);
    } finally {
      callsInFlight -= 1;
      if (isRetired && callsInFlight === 0) void close();
    }
  }

  function retire(): void {
    isRetired = true;
    if (callsInFlight === 0) void close();
  }

  async function close(): Promise<void> {
    if (transport instanceof StreamableHTTPClientTransport) await endSession(transport);
    await transport.close();
  }

  return { open, close };
}

async function sendCall(
  client: Client,
  { definition }: CatalogueTool,
  { arguments: values, idempotencyKey, timeoutMs, signal }: CallRequest,
): Promise<CallToolResult> {
  const { serverTool: name, inputSchema } = definition;
  return await client.callTool(
    { name, arguments: { ...values }, _meta: { [idempotencyMetaKey]: idempotencyKey } },
    // With the definition at hand the SDK neither checks by an output schema that nobody bounded nor calls again.
    {
      timeout: timeoutMs,
      signal,
      toolDefinition: { name, inputSchema: { ...inputSchema, type: 'object' } },
    },
  );
}

/**
 * Both protocol eras, negotiated. Over stdio the question goes over the connection itself: our transport is not the
 * SDK's, which would start a second process just to ask. A server that keeps silent gets half of the time, then the
 * old handshake.
 */
function createClient({ spec, clientVersion, onToolsChanged }: ConnectionOptions): Client {
  const isStdio = spec.transport.type === 'stdio';
  const probeTimeoutMs = Math.ceil(spec.connectTimeoutMs / (isStdio ? 2 : 1));
  return new Client(
    { name: 'model-host', version: clientVersion },
    {
      capabilities: {},
      versionNegotiation: { mode: 'auto', probe: { timeoutMs: probeTimeoutMs } },
      inputRequired: { autoFulfill: false },
      listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: onToolsChanged } },
    },
  );
}

function openStdio(
  { spec, environment, endingTimes, groups, log }: ConnectionOptions,
  transport: ToolServerSpec['transport'] & { readonly type: 'stdio' },
): StdioTransport {
  return createStdioTransport({
    server: spec.alias,
    transport,
    environment,
    messageBytesMax: messageBytesMaxOf(spec),
    endingTimes,
    groups,
    log,
  });
}

function openHttp({ spec }: ConnectionOptions): StreamableHTTPClientTransport {
  if (spec.transport.type !== 'http') throw new TypeError('not a server over HTTP');
  return new StreamableHTTPClientTransport(new URL(spec.transport.url), {
    requestInit: { headers: { ...spec.transport.headers } },
    fetch: createBoundedFetch({
      server: spec.alias,
      messageBytesMax: messageBytesMaxOf(spec),
      requestTimeoutMs: Math.max(spec.connectTimeoutMs, spec.callTimeoutMs),
    }),
  });
}

async function readPages(
  client: Client,
  timeout: number,
  log: (message: string) => void,
): Promise<readonly ListedTool[]> {
  const tools: ListedTool[] = [];
  let bytes = 0;
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const params = cursor === undefined ? {} : { cursor };
    const result = await client.request({ method: 'tools/list', params }, { timeout });
    for (const tool of result.tools) {
      bytes += Buffer.byteLength(JSON.stringify(tool));
      if (tools.length === toolsMax || bytes > catalogueBytesMax) {
        log(`the catalogue is cut after ${tools.length} tools`);
        return tools;
      }
      tools.push(tool);
    }
    cursor = result.nextCursor;
    if (cursor === undefined) return tools;
  }
  log(`the catalogue is cut after ${pagesMax} pages`);
  return tools;
}

/** Tells the server that its session is over, if it answers soon. */
async function endSession(transport: StreamableHTTPClientTransport): Promise<void> {
  const tooLate = Promise.withResolvers<void>();
  const timer = setTimeout(tooLate.resolve, sessionEndTimeoutMs);
  try {
    await Promise.race([transport.terminateSession(), tooLate.promise]);
  } catch {
    // A session that cannot be ended is the server's to expire.
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a server ended when it was asked for the modern protocol, as some old ones do. */
export function isEndedByProbe(cause: unknown): boolean {
  const inner = cause instanceof Error ? cause.cause : undefined;
  return inner instanceof SdkError && inner.code === SdkErrorCode.EraNegotiationFailed;
}
