import { HostError, toErrorData } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { RpcError } from '../relay.ts';

/** Codes of JSON-RPC and MCP that the façade answers with. */
export const rpcCodes = {
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internal: -32_603,
  headerMismatch: -32_020,
  missingCapability: -32_021,
  unsupportedVersion: -32_022,
} as const;

/** Member of `_meta` with the stable code of a failure, for programs that read a result with `isError`. */
const failureKey = 'modelhost/error';

/** Codes of other hops: as an answer of ours they would say something else. */
const foreignCodes: ReadonlySet<number> = new Set([
  rpcCodes.headerMismatch,
  rpcCodes.unsupportedVersion,
]);
const legacyResourceNotFound = -32_002;

/** `params.<field> <what is wrong>`. */
export function invalidParams(message: string): RpcError {
  return { code: rpcCodes.invalidParams, message: `Invalid params: ${message}` };
}

/** A method that does not exist, or not in this protocol version. */
export function methodNotFound(method: string): RpcError {
  return { code: rpcCodes.methodNotFound, message: `Method not found: ${method.slice(0, 128)}` };
}

/** What the client would have to declare in its capabilities for the request to go on. */
export function missingCapability(required: JsonObject): RpcError {
  return {
    code: rpcCodes.missingCapability,
    message: 'The request needs a capability that the client did not declare',
    data: { requiredCapabilities: required },
  };
}

/** A fault as an error of the protocol. A cause never gets into it. */
export function toRpcError(thrown: unknown): RpcError {
  const { code, message, facts, retryAfterMs } = toErrorData(thrown);
  const data = {
    code,
    ...(Object.keys(facts).length === 0 ? {} : { facts }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  return { code: isWrongInput(thrown) ? rpcCodes.invalidParams : rpcCodes.internal, message, data };
}

/**
 * A fault of a tool call as the result that a model can read and act on; undefined for what is no fault of the call but
 * of the host, or of a tool that does not exist: those are errors of the protocol.
 */
export function toToolFailure(thrown: unknown): JsonObject | undefined {
  if (!(thrown instanceof HostError)) return undefined;
  if (thrown.code === 'internal' || thrown.code === 'mcp_tool_not_found') return undefined;
  const { code, message, facts, violations, retryAfterMs } = thrown;
  const lines = violations.map(({ field, description }) => `- ${field} ${description}`);
  const failure = {
    code,
    ...(Object.keys(facts).length === 0 ? {} : { facts }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  return {
    content: [{ type: 'text', text: [message, ...lines].join('\n') }],
    isError: true,
    _meta: { [failureKey]: failure },
  };
}

/** An upstream's own error, as far as it may be passed on. */
export function relayedError(error: RpcError): RpcError {
  if (foreignCodes.has(error.code)) return { code: rpcCodes.internal, message: error.message };
  // What older servers say for a resource that is not there; the newer code holds for every client.
  if (error.code === legacyResourceNotFound) return { ...error, code: rpcCodes.invalidParams };
  return error;
}

function isWrongInput(thrown: unknown): boolean {
  if (!(thrown instanceof HostError)) return false;
  const { code } = thrown;
  return code === 'mcp_tool_not_found' || code === 'not_found' || code === 'validation_failed';
}
