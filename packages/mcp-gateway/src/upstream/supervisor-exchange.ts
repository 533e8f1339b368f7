import { HostError } from '@modelhost/kernel';
import type { Clock, JsonObject, Principal } from '@modelhost/kernel';
import type { Bulkhead } from '@modelhost/resilience';
import type { Exchange, ExchangeContext, ExchangeOutcome } from '../relay.ts';
import type { ToolServerSpec } from '../server-spec.ts';
import { untilAborted } from '../until-aborted.ts';
import type { Connection } from './connection.ts';
import { failed, withFacts } from './failures.ts';
import { createDeadline } from './supervisor-deadline.ts';
import type { Line } from './supervisor-line.ts';

/** What is known of an exchange beside its content. */
export interface ExchangeOptions {
  /** The tool as listed, for `tools/call`. */
  readonly tool: JsonObject | undefined;
  /** Whether doing it twice is the same as doing it once, as the operator declares it. */
  readonly isRepeatable: boolean;
  /** Called right before it goes out, with the catalogue of the connection in force. What it throws stops it. */
  readonly check?: () => void;
}

/** Sends an exchange, within the bounds of its server. */
export type SendExchange = (
  exchange: Exchange,
  context: ExchangeContext,
  options: ExchangeOptions,
) => Promise<ExchangeOutcome>;

/** What a sender needs of a line. */
type ExchangeLine = Pick<Line, 'connect' | 'current' | 'parkedAt' | 'answered' | 'failed'>;

/** What a sender works with. */
export interface ExchangeSenderOptions {
  readonly spec: ToolServerSpec;
  readonly clock: Clock;
  readonly lines: { of(principal: Principal): ExchangeLine };
  readonly bulkhead: Bulkhead;
}

/** Waiting for a turn, connecting and the exchange itself share the one time that the caller gave. */
export function createExchangeSender(options: ExchangeSenderOptions): SendExchange {
  const { spec, clock, lines, bulkhead } = options;

  return async (exchange, context, rules) => {
    const { signal } = context;
    const timeoutMs = Math.min(context.timeoutMs, spec.callTimeoutMs);
    const endsAtMs = clock.now() + timeoutMs;
    signal.throwIfAborted();
    // What need not wait is sent before this returns: its caller has other work to do meanwhile.
    const leave = bulkhead.tryEnter() ?? (await bulkhead.enter({ signal, timeoutMs }));
    try {
      const attempt = async (): Promise<ExchangeOutcome> =>
        await send(lines.of(context.principal), exchange, { context, rules, endsAtMs });
      return await attempt().catch(async (cause: unknown) => {
        // The caller's own cancellation passes through untouched, so that nobody repeats it.
        signal.throwIfAborted();
        if (!isLost(cause) || !mayRepeat(spec, exchange, rules)) throw cause;
        return await attempt().catch((again: unknown) => {
          throw asSentBefore(again, cause);
        });
      });
    } finally {
      leave();
    }
  };

  async function send(
    line: ExchangeLine,
    exchange: Exchange,
    { context, rules, endsAtMs }: Attempt,
  ): Promise<ExchangeOutcome> {
    const connection =
      line.parkedAt(exchange.params['requestState']) ??
      line.current() ??
      (await connect(line, context.signal, endsAtMs));
    rules.check?.();
    const timeoutMs = Math.max(1, Math.ceil(endsAtMs - clock.now()));
    try {
      const outcome = await connection.exchange(exchange, { ...context, timeoutMs }, rules.tool);
      line.answered(connection);
      return outcome;
    } catch (cause) {
      if (!context.signal.aborted && cause instanceof HostError) line.failed(connection, cause);
      throw cause;
    }
  }

  async function connect(
    line: ExchangeLine,
    signal: AbortSignal,
    endsAtMs: number,
  ): Promise<Connection> {
    const delayMs = Math.max(0, Math.round(endsAtMs - clock.now()));
    const deadline = createDeadline(clock, delayMs, signal);
    try {
      return await untilAborted(line.connect(), deadline.signal);
    } catch (cause) {
      if (!deadline.isOver()) throw cause;
      const facts = { timeout_ms: String(delayMs) };
      throw failed('mcp_timeout', spec.alias, 'it is still being connected', { facts, cause });
    } finally {
      deadline.stop();
    }
  }
}

interface Attempt {
  readonly context: ExchangeContext;
  readonly rules: ExchangeOptions;
  readonly endsAtMs: number;
}

/** Whether the answer was lost with its connection or session: a refusal by the server is an answer. */
function isLost(cause: unknown): boolean {
  if (!(cause instanceof HostError) || cause.code !== 'mcp_connection_failed') return false;
  const { sent, http_status, session_lost } = cause.facts;
  return session_lost === 'true' || (sent === 'true' && http_status === undefined);
}

/** What went out the first time may have had its effect, however the second time ends. */
function asSentBefore(again: unknown, first: unknown): unknown {
  const wasSent = first instanceof HostError && first.facts['sent'] === 'true';
  return wasSent && again instanceof HostError ? withFacts(again, { sent: 'true' }) : again;
}

/** Reading changes nothing. What goes on with an earlier exchange belongs to the connection of that one. */
function mayRepeat(
  spec: ToolServerSpec,
  { method, params }: Exchange,
  rules: ExchangeOptions,
): boolean {
  if ('requestState' in params || 'inputResponses' in params) return false;
  if (method !== 'tools/call') return true;
  return rules.isRepeatable && spec.replay === 'idempotent';
}
