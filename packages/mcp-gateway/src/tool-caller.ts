import { HostError } from '@modelhost/kernel';
import type { ToolAnswer, ToolInvocation } from '@modelhost/kernel';
import type { CatalogueTool } from './catalogue.ts';
import type { Connection } from './connection.ts';
import { toToolAnswer } from './result-text.ts';
import type { ToolServerSpec } from './server-spec.ts';
import { untilAborted } from './until-aborted.ts';

/** Calls the tools of one server. */
export interface ToolCaller {
  /** Sends the call once. Throws an `mcp_*` error, `tool_arguments_invalid`, `overloaded` or the signal's reason. */
  readonly call: (invocation: ToolInvocation, signal: AbortSignal) => Promise<ToolAnswer>;
}

/** What a caller works with. */
export interface ToolCallerOptions {
  readonly spec: ToolServerSpec;
  readonly connect: () => Promise<Connection>;
  /** Told when the connection turned out to be broken. */
  readonly giveUp: (connection: Connection, error: HostError) => void;
  readonly toolOf: (name: string) => CatalogueTool | undefined;
}

const callsInFlightMax = 256;

/** At most 256 calls are in flight at a time. */
export function createToolCaller(options: ToolCallerOptions): ToolCaller {
  const { spec, connect, giveUp, toolOf } = options;
  const { alias } = spec;
  let callsInFlight = 0;

  async function call(invocation: ToolInvocation, signal: AbortSignal): Promise<ToolAnswer> {
    signal.throwIfAborted();
    if (callsInFlight >= callsInFlightMax) {
      throw new HostError('overloaded', `${alias}: ${callsInFlight} calls are in flight`);
    }
    callsInFlight += 1;
    try {
      const connection = await untilAborted(connect(), signal);
      // A new connection may have brought a new catalogue.
      const tool = toolOf(invocation.tool) ?? refuseUnknown(alias, invocation.tool);
      refuseMisfits(tool, invocation);
      return await callOn(connection, tool, { invocation, signal });
    } finally {
      callsInFlight -= 1;
    }
  }

  async function callOn(
    connection: Connection,
    tool: CatalogueTool,
    { invocation, signal }: { readonly invocation: ToolInvocation; readonly signal: AbortSignal },
  ): Promise<ToolAnswer> {
    const timeoutMs = Math.min(invocation.timeoutMs, spec.callTimeoutMs);
    try {
      const result = await connection.call(tool, { ...invocation, timeoutMs, signal });
      return toToolAnswer(result, spec.resultBytesMax);
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof HostError && cause.code === 'mcp_connection_failed') {
        giveUp(connection, cause);
      }
      throw asSent(cause);
    }
  }

  return { call };
}

/** The error of a call that went out. */
function asSent(cause: unknown): unknown {
  if (!(cause instanceof HostError)) return cause;
  const { code, message, facts, retryAfterMs } = cause;
  return new HostError(code, message, {
    cause,
    facts: { ...facts, sent: 'true' },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function refuseUnknown(server: string, tool: string): never {
  const facts = { server, tool };
  throw new HostError('mcp_tool_not_found', `${tool}: it is no longer offered`, { facts });
}

function refuseMisfits(tool: CatalogueTool, { arguments: values }: ToolInvocation): void {
  const violations = tool.check(values);
  if (violations.length === 0) return;
  const { name, server } = tool.definition;
  const facts = { server, tool: name };
  const message = `${name}: the arguments do not fit its schema`;
  throw new HostError('tool_arguments_invalid', message, { facts, violations });
}
