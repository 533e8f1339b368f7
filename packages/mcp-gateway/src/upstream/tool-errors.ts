import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';
import { HostError } from '@modelhost/kernel';
import type { ErrorCode } from '@modelhost/kernel';
import { wireErrorCodes } from './wire-errors.ts';

/** What the gateway was doing when it failed. */
export interface FailureContext {
  readonly server: string;
  /** Name of the tool for the model; absent while connecting. */
  readonly tool: string | undefined;
  readonly timeoutMs: number;
  /** What the transport knows of its own end. */
  readonly transportFailure: HostError | undefined;
}

const serverTextLengthMax = 300;

/** Anything that the SDK or a transport throws, as the one error it stands for. */
export function toToolError(cause: unknown, context: FailureContext): HostError {
  const known = readHostError(cause, context);
  if (known !== undefined) {
    return describe(known.code, stripServer(known.message, context), context, cause);
  }
  if (cause instanceof SdkHttpError) return fromHttp(cause, context);
  if (cause instanceof SdkError) return fromSdk(cause, context);
  if (cause instanceof ProtocolError) return fromProtocol(cause, context);
  if (isConnectionEnd(cause)) {
    return describe('mcp_connection_failed', 'its connection is closed', context, cause);
  }
  if (isConnectionFault(cause)) {
    const code = systemCodeOf(cause);
    const reason = `it cannot be started or reached${code === undefined ? '' : ` (${code})`}`;
    return describe('mcp_connection_failed', reason, context, cause);
  }
  return describe('mcp_protocol_error', 'its answer is not of the protocol', context, cause);
}

/** Our own error, wherever the SDK has put it. */
function readHostError(cause: unknown, context: FailureContext): HostError | undefined {
  if (cause instanceof HostError) return cause;
  return isConnectionEnd(cause) ? context.transportFailure : undefined;
}

function isConnectionEnd(cause: unknown): boolean {
  if (!(cause instanceof SdkError))
    return cause instanceof Error && cause.message === 'Not connected';
  const { ConnectionClosed, NotConnected, SendFailed, EraNegotiationFailed } = SdkErrorCode;
  return [ConnectionClosed, NotConnected, SendFailed, EraNegotiationFailed].includes(cause.code);
}

function fromHttp(cause: SdkHttpError, context: FailureContext): HostError {
  const { status } = cause;
  const isRefused = status === 401 || status === 403;
  const reason = isRefused ? 'it refused the configured credential' : 'it refused the request';
  return describe('mcp_connection_failed', `${reason} (HTTP ${status})`, context, cause);
}

function fromSdk(cause: SdkError, context: FailureContext): HostError {
  if (cause.code === SdkErrorCode.RequestTimeout) {
    return describe('mcp_timeout', `no answer in ${context.timeoutMs} ms`, context, cause);
  }
  if (isConnectionEnd(cause)) {
    return describe('mcp_connection_failed', 'its connection broke', context, cause);
  }
  if (cause.code === SdkErrorCode.UnsupportedResultType) {
    return describe(
      'mcp_protocol_error',
      'it asks for input, which is not supported',
      context,
      cause,
    );
  }
  return describe('mcp_protocol_error', 'its answer is not of the protocol', context, cause);
}

function fromProtocol(cause: ProtocolError, context: FailureContext): HostError {
  switch (cause.code) {
    case wireErrorCodes.tooLarge:
      return describe('mcp_result_too_large', 'its answer is larger than the cap', context, cause);
    case wireErrorCodes.streamEnded:
      return describe(
        'mcp_connection_failed',
        'its stream ended without an answer',
        context,
        cause,
      );
    case wireErrorCodes.malformed:
      return describe('mcp_protocol_error', 'its answer is not of the protocol', context, cause);
  }
  const text = cause.message.replace(/[\p{C}\p{Z}]+/gu, ' ').slice(0, serverTextLengthMax);
  return describe('mcp_protocol_error', `it answered error ${cause.code}: ${text}`, context, cause);
}

/** Errors of sockets and of starting a process have a code of the system; `fetch` throws a TypeError. */
function isConnectionFault(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  return systemCodeOf(cause) !== undefined || cause instanceof TypeError;
}

function systemCodeOf(cause: unknown): string | undefined {
  const isCoded = cause instanceof Error && 'code' in cause && typeof cause.code === 'string';
  if (isCoded) return String(cause.code);
  return cause instanceof TypeError ? systemCodeOf(cause.cause) : undefined;
}

function describe(
  code: ErrorCode,
  reason: string,
  { server, tool, timeoutMs }: FailureContext,
  cause?: unknown,
): HostError {
  const facts = {
    server,
    ...(tool === undefined ? {} : { tool }),
    ...(code === 'mcp_timeout' ? { timeout_ms: String(timeoutMs) } : {}),
  };
  return new HostError(code, `${tool ?? server}: ${reason}`, { facts, cause });
}

function stripServer(message: string, { server }: FailureContext): string {
  return message.startsWith(`${server}: `) ? message.slice(server.length + 2) : message;
}
