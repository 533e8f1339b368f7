import {
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { HostError } from '@modelhost/kernel';
import type { ErrorCode } from '@modelhost/kernel';
import { shortLine } from '../hiding.ts';
import type { HideText } from '../hiding.ts';
import { wireErrorCodes } from './wire-errors.ts';

/** What else is known of a failure. */
export interface FailureDetails {
  readonly cause?: unknown;
  /** Added to the fact `server`. */
  readonly facts?: Readonly<Record<string, string>>;
}

/** A fault of one server, in words that a tenant may see. */
export function failed(
  code: ErrorCode,
  server: string,
  reason: string,
  { cause, facts = {} }: FailureDetails = {},
): HostError {
  return new HostError(code, `${server}: ${reason}`, { facts: { server, ...facts }, cause });
}

/** The same failure with further facts. */
export function withFacts(failure: HostError, facts: Readonly<Record<string, string>>): HostError {
  const { code, message, retryAfterMs } = failure;
  return new HostError(code, message, {
    cause: failure.cause ?? failure,
    facts: { ...failure.facts, ...facts },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Why a request has no answer in time. */
export function timedOut(server: string, timeoutMs: number): HostError {
  const facts = { timeout_ms: String(timeoutMs) };
  return failed('mcp_timeout', server, `no answer in ${timeoutMs} ms`, { facts });
}

/** What an error of our own codes stands for; undefined for every other one. */
export function readWireError(server: string, code: number): HostError | undefined {
  switch (code) {
    case wireErrorCodes.tooLarge:
      return failed('mcp_result_too_large', server, 'its answer is larger than the cap');
    case wireErrorCodes.streamEnded:
      return failed('mcp_connection_failed', server, 'its stream ended without an answer');
    case wireErrorCodes.malformed:
      return failed('mcp_protocol_error', server, 'its answer is not of the protocol');
  }
  return undefined;
}

/** What a status of HTTP says about a request that it refuses. */
export function refusedByHttp(
  server: string,
  status: number,
  details: FailureDetails = {},
): HostError {
  const isRefused = status === 401 || status === 403;
  const reason = isRefused ? 'it refused the configured credential' : 'it refused the request';
  const facts = { http_status: String(status), ...details.facts };
  return failed('mcp_connection_failed', server, `${reason} (HTTP ${status})`, {
    ...details,
    facts,
  });
}

/** What was being done when something was thrown. */
export interface FailureContext {
  readonly server: string;
  readonly timeoutMs: number;
  /** What the transport knows of its own end. */
  readonly transportFailure: HostError | undefined;
  /** For what the server says itself. Absent: that is not told. */
  readonly hide?: HideText;
}

/** Anything that the SDK, a socket or a transport throws, as the one error it stands for. */
export function toFailure(cause: unknown, context: FailureContext): HostError {
  const { server, transportFailure } = context;
  if (cause instanceof HostError) return cause;
  if (isConnectionEnd(cause) && transportFailure !== undefined) return transportFailure;
  if (cause instanceof SdkHttpError && cause.status !== undefined) {
    return refusedByHttp(server, cause.status, { cause });
  }
  if (cause instanceof UnauthorizedError) return refusedByHttp(server, 401, { cause });
  const inner = innerHostError(cause);
  if (inner !== undefined) return inner;
  if (cause instanceof SdkError) return fromSdk(cause, context);
  if (cause instanceof ProtocolError) return fromProtocol(cause, context);
  const code = systemCodeOf(cause);
  if (code !== undefined || cause instanceof TypeError || isConnectionEnd(cause)) {
    return unreachable(server, cause, code);
  }
  return failed('mcp_protocol_error', server, 'its answer is not of the protocol', { cause });
}

function unreachable(server: string, cause: unknown, code: string | undefined): HostError {
  const reason = `it cannot be started or reached${code === undefined ? '' : ` (${code})`}`;
  return failed('mcp_connection_failed', server, reason, { cause });
}

function fromSdk(cause: SdkError, { server, timeoutMs }: FailureContext): HostError {
  if (cause.code === SdkErrorCode.RequestTimeout)
    return withCause(timedOut(server, timeoutMs), cause);
  if (isConnectionEnd(cause)) return unreachable(server, cause, systemCodeOf(cause.cause));
  return failed('mcp_protocol_error', server, 'its answer is not of the protocol', { cause });
}

function fromProtocol(cause: ProtocolError, { server, hide }: FailureContext): HostError {
  const own = readWireError(server, cause.code);
  if (own !== undefined) return withCause(own, cause);
  const said = hide === undefined ? '' : `: ${shortLine(cause.message, hide)}`;
  const reason = `it answered error ${cause.code}${said}`;
  const facts = { rpc_code: String(cause.code) };
  return failed('mcp_protocol_error', server, reason, { cause, facts });
}

/** The SDK wraps what a transport throws while it negotiates. */
function innerHostError(cause: unknown): HostError | undefined {
  const inner = cause instanceof SdkError ? cause.cause : undefined;
  return inner instanceof HostError ? inner : undefined;
}

function isConnectionEnd(cause: unknown): boolean {
  if (!(cause instanceof SdkError)) {
    return cause instanceof Error && cause.message === 'Not connected';
  }
  const { ConnectionClosed, NotConnected, SendFailed, EraNegotiationFailed } = SdkErrorCode;
  return [ConnectionClosed, NotConnected, SendFailed, EraNegotiationFailed].includes(cause.code);
}

/** Errors of sockets and of starting a process have a code of the system; `fetch` throws a TypeError around them. */
function systemCodeOf(cause: unknown): string | undefined {
  const isCoded = cause instanceof Error && 'code' in cause && typeof cause.code === 'string';
  if (isCoded) return String(cause.code);
  return cause instanceof TypeError ? systemCodeOf(cause.cause) : undefined;
}

function withCause(failure: HostError, cause: unknown): HostError {
  return new HostError(failure.code, failure.message, { facts: failure.facts, cause });
}
