import { isJsonObject } from '@modelhost/kernel';
import type { Clock, JsonObject } from '@modelhost/kernel';
import type { Exchange, ExchangeContext, ExchangeOutcome } from '../relay.ts';
import type { ToolServerSpec } from '../server-spec.ts';
import { unknownState } from './exchanges.ts';
import type { Exchanges } from './exchanges.ts';
import { inquire } from './inquiry.ts';
import type { Inquiry } from './inquiry.ts';
import { isWanted } from './log-levels.ts';
import { toParamHeaders } from './mcp-headers.ts';
import { declaresTasks, runModernCall } from './modern-call.ts';
import type { ModernCallOptions } from './modern-call.ts';
import { areSamePrincipal, createParking } from './parking.ts';
import type { Parked } from './parking.ts';
import { rootsResultOf } from './roots.ts';
import type { RpcNotification, RpcRequest } from './rpc-message.ts';
import { goOnWithTask } from './task-follower.ts';
import type { RequestListener, Wire } from './wire.ts';

/** What exchanges with an upstream of 2026-07-28 are made of. */
export interface ModernExchangesOptions {
  readonly spec: ToolServerSpec;
  readonly wire: Wire;
  readonly clock: Clock;
  /** Unguessable. */
  readonly newId: () => string;
  /** `_meta` of every request, for somebody with these capabilities. */
  readonly envelope: (capabilities: JsonObject) => JsonObject;
  /** An exchange is over. */
  readonly onOver: () => void;
}

interface ParkedTask extends Parked {
  readonly taskId: string;
}

const parkedMax = 64;
const parkedTimeToLiveMs = 300_000;
const logLevelKey = 'io.modelcontextprotocol/logLevel';

/** The upstream keeps its own state of what needs input; only its tasks are parked here. */
export function createModernExchanges(options: ModernExchangesOptions): Exchanges {
  const { spec, wire, clock, newId, onOver } = options;
  const { alias: server, progressTimeoutMs } = spec;
  const rootsResult = rootsResultOf(spec);
  const waiting = new Set<ExchangeContext>();
  const timeToLiveMs = parkedTimeToLiveMs;
  const parking = createParking<ParkedTask>({ clock, newId, parkedMax, timeToLiveMs });

  async function exchange(
    exchanged: Exchange,
    context: ExchangeContext,
    tool: JsonObject | undefined,
  ): Promise<ExchangeOutcome> {
    const { requestState, inputResponses = {} } = exchanged.params;
    if (typeof requestState !== 'string' || !parking.has(requestState)) {
      return await run(exchanged, context, tool, runModernCall);
    }
    if (!isJsonObject(inputResponses)) return unknownState;
    const parked = parking.take(requestState, context.principal);
    if (parked === undefined) return unknownState;
    const going = { taskId: parked.taskId, inputResponses };
    return await run(exchanged, context, tool, (inquiry, call) =>
      goOnWithTask(inquiry, going, call),
    );
  }

  async function run(
    exchanged: Exchange,
    context: ExchangeContext,
    tool: JsonObject | undefined,
    work: (inquiry: Inquiry, call: ModernCallOptions) => Promise<ExchangeOutcome>,
  ): Promise<ExchangeOutcome> {
    const { principal, capabilities, onProgress } = context;
    const meta = toMeta(context);
    let task: string | undefined;
    const onGivenUp = (): void => cancelTask(task, meta);
    const limits = { server, wire, clock, progressTimeoutMs };
    const park = (taskId: string): string | undefined =>
      parking.park({ principal, taskId, onExpired: () => cancelTask(taskId, meta) });
    waiting.add(context);
    try {
      return await inquire({ ...limits, context, onNotification, onGivenUp }, (inquiry) =>
        work(inquiry, {
          server,
          exchange: exchanged,
          meta,
          paramHeaders: toParamHeaders(tool, exchanged.params['arguments']),
          wantsProgress: onProgress !== undefined,
          rootsResult,
          mayBeTask: declaresTasks(capabilities),
          onTask: (taskId) => {
            task = taskId;
          },
          park,
        }),
      );
    } finally {
      waiting.delete(context);
      onOver();
    }

    function onNotification({ method, params }: RpcNotification): void {
      if (method === 'notifications/message') log(params, context);
    }
  }

  function toMeta({ meta, capabilities, logLevel }: ExchangeContext): JsonObject {
    const able = rootsResult === undefined ? capabilities : { ...capabilities, roots: {} };
    const level = logLevel === undefined ? {} : { [logLevelKey]: logLevel };
    return { ...meta, ...options.envelope(able), ...level };
  }

  function cancelTask(taskId: string | undefined, meta: JsonObject): void {
    if (taskId === undefined) return;
    const request = { method: 'tasks/cancel', params: { taskId }, meta, headers: {} };
    wire.send({ ...request, wantsProgress: false }, nobody);
  }

  /** Over standard streams a log message tells not what it belongs to: it goes to nobody while that is in doubt. */
  function receive({ method, params }: RpcRequest | RpcNotification): boolean {
    if (method !== 'notifications/message') return false;
    const isPlain =
      parking.size() === 0 && areSamePrincipal([...waiting].map(({ principal }) => principal));
    if (isPlain) [...waiting].some((context) => log(params, context));
    return true;
  }

  return {
    exchange,
    receive,
    inFlight: () => waiting.size + parking.size(),
    hasParked: parking.has,
    close: parking.clear,
  };
}

/** Says whether the message was wanted. */
function log(params: JsonObject, { logLevel, onLog }: ExchangeContext): boolean {
  const wanted = isWanted(params['level'], logLevel);
  if (wanted) onLog?.(params);
  return wanted;
}

const nobody: RequestListener = {
  onAnswer: () => {},
  onFailure: () => {},
  onNotification: () => {},
  onRequest: () => {},
};
