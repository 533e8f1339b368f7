import { isJsonObject } from '@modelhost/kernel';
import type { Clock, JsonObject, Principal } from '@modelhost/kernel';
import type { ExchangeContext, ExchangeOutcome } from '../relay.ts';
import type { ToolServerSpec } from '../server-spec.ts';
import { hasTasks } from '../tasks-extension.ts';
import { unknownState } from './exchanges.ts';
import type { Exchanges } from './exchanges.ts';
import { inquire } from './inquiry.ts';
import type { Inquiry } from './inquiry.ts';
import { createLingering } from './lingering.ts';
import { tellLog } from './log-levels.ts';
import { toParamHeaders } from './mcp-headers.ts';
import { runModernCall } from './modern-call.ts';
import type { ModernCallOptions } from './modern-call.ts';
import { areSamePrincipal, createParking } from './parking.ts';
import type { Parked } from './parking.ts';
import { rootsResultOf } from './roots.ts';
import type { RpcNotification, RpcRequest } from './rpc-message.ts';
import { cancelTask, goOnWithTask } from './task-follower.ts';
import type { Wire } from './wire.ts';

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
  const lingering = createLingering(() => clock.now(), timeToLiveMs);
  const parking = createParking<ParkedTask>({ clock, newId, parkedMax, timeToLiveMs });

  const exchange: Exchanges['exchange'] = async (exchanged, context, tool) => {
    const { requestState, inputResponses = {} } = exchanged.params;
    const headers = toParamHeaders(tool, exchanged.params['arguments']);
    if (typeof requestState !== 'string' || !parking.has(requestState)) {
      return await run(context, (inquiry, going) =>
        runModernCall(inquiry, { ...going, exchange: exchanged, headers }),
      );
    }
    if (!isJsonObject(inputResponses)) return unknownState;
    const parked = parking.take(requestState, context.principal);
    if (parked === undefined) return unknownState;
    const task = { taskId: parked.taskId, inputResponses };
    return await run(context, (inquiry, going) =>
      goOnWithTask(inquiry, task, { ...going, method: exchanged.method }),
    );
  };

  async function run(
    context: ExchangeContext,
    work: (inquiry: Inquiry, going: Going) => Promise<ExchangeOutcome>,
  ): Promise<ExchangeOutcome> {
    const meta = toMeta(context, options, rootsResult);
    const { principal, capabilities, onProgress } = context;
    let stopTask = (): void => {};
    const onGivenUp = (): void => {
      lingering.add(principal);
      stopTask();
    };
    const going: Going = {
      server,
      meta,
      rootsResult,
      wantsProgress: onProgress !== undefined,
      mayBeTask: hasTasks(capabilities),
      onTask: (taskId) => {
        stopTask = () => cancelTask(wire, taskId, meta);
      },
      park: (taskId) =>
        parking.park({ principal, taskId, onExpired: () => cancelTask(wire, taskId, meta) }),
    };
    const limits = { server, wire, clock, progressTimeoutMs, context, onGivenUp };
    waiting.add(context);
    try {
      return await inquire(limits, (inquiry) => work(inquiry, going));
    } finally {
      waiting.delete(context);
      onOver();
    }
  }

  return {
    exchange,
    receive: (message) =>
      receiveLog(message, [...waiting], parking.size() > 0 ? undefined : lingering.principals()),
    inFlight: () => waiting.size + parking.size(),
    hasParked: (requestState) => parking.has(requestState),
    abandon: (requestState, principal) => parking.abandon(requestState, principal),
    close: () => parking.clear(),
  };
}

/** What is the same for all requests of one exchange. */
type Going = Omit<ModernCallOptions, 'exchange' | 'headers' | 'method'>;

function toMeta(
  { meta, capabilities, logLevel }: ExchangeContext,
  { envelope }: ModernExchangesOptions,
  rootsResult: JsonObject | undefined,
): JsonObject {
  const able = rootsResult === undefined ? capabilities : { ...capabilities, roots: {} };
  const level = logLevel === undefined ? {} : { [logLevelKey]: logLevel };
  return { ...meta, ...envelope(able), ...level };
}

/** Over standard streams a log message tells not what it belongs to: it goes to nobody while that is in doubt. */
function receiveLog(
  { method, params }: RpcRequest | RpcNotification,
  waiting: readonly ExchangeContext[],
  others: readonly Principal[] | undefined,
): boolean {
  if (method !== 'notifications/message') return false;
  const principals = waiting.map(({ principal }) => principal);
  if (others !== undefined && areSamePrincipal([...principals, ...others])) {
    waiting.some((context) => tellLog(params, context));
  }
  return true;
}
