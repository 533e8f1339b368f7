import type { Clock, HostError, JsonObject, Principal } from '@modelhost/kernel';
import type { HideText } from '../hiding.ts';
import type { Exchange, ExchangeContext, ExchangeOutcome } from '../relay.ts';
import type { ToolServerLogEntry, ToolServerSpec } from '../server-spec.ts';
import { createChanges } from './changes.ts';
import type { Changes, ConnectionChange } from './changes.ts';
import { createExchangeGate } from './exchange-gate.ts';
import type { Exchanges } from './exchanges.ts';
import { createLegacyExchanges } from './legacy-exchanges.ts';
import { readLists } from './lists.ts';
import type { ListKind, UpstreamLists } from './lists.ts';
import { createLogLevelSetter } from './log-levels.ts';
import { createModernExchanges } from './modern-exchanges.ts';
import { clientName } from './negotiation.ts';
import type { EraVerdict, Negotiated } from './negotiation.ts';
import { createRequester } from './requester.ts';
import type { Requester } from './requester.ts';
import type { RpcAnswer, RpcNotification, RpcRequest } from './rpc-message.ts';
import type { OwnWire } from './wire.ts';

/** One negotiated connection to a tool server, the same whichever era it speaks. */
export interface Connection {
  readonly era: 'legacy' | 'modern';
  /** To be passed on as `prior`, which spares the next connection the question. */
  readonly verdict: EraVerdict;
  /** In MCP's shape. */
  readonly capabilities: JsonObject;
  readonly instructions: string;
  /** The lists of these kinds, or of all, up to their caps; the others are empty. Rejects with an `mcp_*` error. */
  lists(kinds?: ReadonlySet<ListKind>): Promise<UpstreamLists>;
  /**
   * Sends one request, never twice. Rejects with the signal's reason, or with an `mcp_*` error that has the fact `sent`
   * if the server may have got it, `session_lost` if a new connection is needed, `era_lost` if so is a new verdict.
   */
  exchange(
    exchange: Exchange,
    context: ExchangeContext,
    tool: JsonObject | undefined,
  ): Promise<ExchangeOutcome>;
  watchResource(uri: string): Promise<void>;
  unwatchResource(uri: string): Promise<void>;
  /** Rejects when the server does not answer in the time for connecting. */
  ping(): Promise<void>;
  /** Those that wait for the server, and those that wait for input. */
  exchangesInFlight(): number;
  /** Whether that `requestState` can only be gone on with here. */
  hasParked(requestState: string): boolean;
  /** Gives up what waits for input under that `requestState`, if it is this principal's. */
  abandon(requestState: string, principal: Principal): void;
  /** Takes no further exchanges and closes when those in flight are done. */
  retire(): void;
}

/** A connection with its side towards the wire. */
export interface OpenConnection extends Connection {
  /** A message of the server that came with no request of ours. Says whether it was dealt with. */
  receive(message: RpcRequest | RpcNotification): boolean;
  /** The wire broke. */
  end(failure: HostError | undefined): void;
}

/** What an open connection is made of. */
export interface OpenConnectionOptions {
  readonly spec: ToolServerSpec;
  readonly clientVersion: string;
  readonly log: (source: ToolServerLogEntry['source'], message: string) => void;
  /** For what the server says itself. */
  readonly hide: HideText;
  readonly onChange: (change: ConnectionChange) => void;
  /** It is over, after it was open; `failure` says why, unless it was by `close` or `retire`. Comes once. */
  readonly onClosed: (failure: HostError | undefined) => void;
  /** Unguessable. */
  readonly newId: () => string;
  /** A clock that never goes back. */
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

/** What was made for the connection. */
export interface Link {
  readonly wire: OwnWire;
  readonly negotiated: Negotiated;
  /** Ends it all. */
  readonly close: () => Promise<void>;
}

const allKinds: ReadonlySet<ListKind> = new Set(['tools', 'prompts', 'resources']);

/** Takes over a connection that has just been negotiated. */
export function createOpenConnection(options: OpenConnectionOptions, link: Link): OpenConnection {
  const { spec, onChange } = options;
  const { alias: server, connectTimeoutMs: timeoutMs } = spec;
  const { negotiated, close } = link;
  const { isModern, verdict, capabilities, instructions } = negotiated;
  const request = createOwnRequester(options, link, (message) => changes.receive(message));
  const changes = createOwnChanges(options, link, request);
  const onStaleTool = (): void => onChange({ type: 'tools' });
  const gate = createExchangeGate({ server, exchanges: () => exchanges, onStaleTool, close });
  const exchanges = createExchanges(options, link, { request, changes, onOver: gate.onOver });
  let hasEnded = false;

  async function lists(kinds: ReadonlySet<ListKind> = allKinds): Promise<UpstreamLists> {
    return await readLists(
      {
        server,
        capabilities,
        isModernHttp: isModern && spec.transport.type === 'http',
        request: (method, params) => request(method, params, spec.listTimeoutMs),
        log: (message) => options.log('gateway', message),
        hide: options.hide,
      },
      kinds,
    );
  }

  async function ping(): Promise<void> {
    await request(isModern ? 'server/discover' : 'ping', {}, timeoutMs);
  }

  function end(failure: HostError | undefined): void {
    if (hasEnded) return;
    hasEnded = true;
    changes.close();
    exchanges.close();
    options.onClosed(failure);
  }

  return {
    era: isModern ? 'modern' : 'legacy',
    verdict,
    capabilities,
    instructions,
    lists,
    exchange: gate.exchange,
    watchResource: changes.watch,
    unwatchResource: changes.unwatch,
    ping,
    exchangesInFlight: () => exchanges.inFlight(),
    hasParked: (requestState) => exchanges.hasParked(requestState),
    abandon: (requestState, principal) => exchanges.abandon(requestState, principal),
    retire: gate.retire,
    receive: (message) => exchanges.receive(message) || changes.receive(message),
    end,
  };
}

function createOwnRequester(
  options: OpenConnectionOptions,
  link: Link,
  onNotification: (notification: RpcNotification) => void,
): Requester {
  const { spec, clock } = options;
  const meta = link.negotiated.isModern ? envelopeOf(options, link, {}) : {};
  return createRequester({ server: spec.alias, wire: link.wire, clock, meta, onNotification });
}

function createOwnChanges(options: OpenConnectionOptions, link: Link, request: Requester): Changes {
  const { spec, log } = options;
  return createChanges({
    ...options,
    ...link.negotiated,
    server: spec.alias,
    timeoutMs: spec.connectTimeoutMs,
    request,
    log: (message) => log('gateway', message),
  });
}

interface ExchangeHooks {
  readonly request: Requester;
  readonly changes: Changes;
  readonly onOver: () => void;
}

function createExchanges(
  options: OpenConnectionOptions,
  link: Link,
  { request, changes, onOver }: ExchangeHooks,
): Exchanges {
  const { spec } = options;
  const { wire, negotiated } = link;
  const parts = { ...options, wire, onOver };
  if (negotiated.isModern) {
    const envelope = (capabilities: JsonObject): JsonObject =>
      envelopeOf(options, link, capabilities);
    return createModernExchanges({ ...parts, envelope });
  }
  const setLevel = createLogLevelSetter((level) =>
    request('logging/setLevel', { level }, spec.connectTimeoutMs),
  );
  const canLog = negotiated.capabilities['logging'] !== undefined;
  const setLogLevel = canLog ? setLevel : undefined;
  return createLegacyExchanges({ ...parts, setLogLevel, onOther });

  /** The SDK never sees what comes on the stream of a request of ours. */
  function onOther(message: RpcRequest | RpcNotification): void {
    if (changes.receive(message) || message.type === 'notification') return;
    const isPing = message.method === 'ping';
    const answer: RpcAnswer = isPing ? { kind: 'result', result: {} } : unknownMethod;
    wire.answer(message.id, answer);
  }
}

const unknownMethod = {
  kind: 'error',
  error: { code: -32_601, message: 'there is no such method here' },
} as const satisfies RpcAnswer;

/** What a request of 2026-07-28 says of its sender. */
function envelopeOf(
  { clientVersion: version }: OpenConnectionOptions,
  { negotiated }: Link,
  capabilities: JsonObject,
): JsonObject {
  return {
    'io.modelcontextprotocol/protocolVersion': negotiated.version,
    'io.modelcontextprotocol/clientInfo': { name: clientName, version },
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  };
}
