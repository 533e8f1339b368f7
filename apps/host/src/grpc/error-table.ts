import type { ErrorCode } from '@modelhost/kernel';

/** The closed set of error codes. Callers branch on the code; the table gives its gRPC status, retry rule and docs line. */
export const errorTable: Readonly<Record<ErrorCode, ErrorRule>> = {
  validation_failed: {
    grpc: 'INVALID_ARGUMENT',
    isRetryable: false,
    docs: 'A field of the request is missing, out of bounds or of the wrong shape.',
  },
  config_invalid: {
    grpc: 'FAILED_PRECONDITION',
    isRetryable: false,
    docs: 'The configuration cannot be used; each problem names file, line, key and remedy.',
  },
  unauthenticated: {
    grpc: 'UNAUTHENTICATED',
    isRetryable: false,
    docs: 'No valid API key came with the call.',
  },
  permission_denied: {
    grpc: 'PERMISSION_DENIED',
    isRetryable: false,
    docs: 'The caller may not do this.',
  },
  policy_violation: {
    grpc: 'PERMISSION_DENIED',
    isRetryable: false,
    docs: 'Policy denied the action; the reasons name the rules.',
  },
  not_found: { grpc: 'NOT_FOUND', isRetryable: false, docs: 'No such thing in this tenant.' },
  request_conflict: {
    grpc: 'ALREADY_EXISTS',
    isRetryable: false,
    docs: 'The request_id was used before with another request.',
  },
  failed_precondition: {
    grpc: 'FAILED_PRECONDITION',
    isRetryable: false,
    docs: 'The thing is not in a state that allows this, for example an approval that was answered before.',
  },
  budget_exceeded: {
    grpc: 'RESOURCE_EXHAUSTED',
    isRetryable: false,
    docs: 'A budget is used up; the fact `budget` says which.',
  },
  overloaded: {
    grpc: 'RESOURCE_EXHAUSTED',
    isRetryable: true,
    docs: 'A bound of the host is reached; try again after the advised time.',
  },
  draining: {
    grpc: 'UNAVAILABLE',
    isRetryable: true,
    docs: 'The host is shutting down and takes no new runs.',
  },
  deadline_exceeded: {
    grpc: 'DEADLINE_EXCEEDED',
    isRetryable: false,
    docs: 'The time given to the request or the run is over.',
  },
  cancelled: {
    grpc: 'CANCELLED',
    isRetryable: false,
    docs: 'The caller or an operator cancelled it.',
  },
  provider_unavailable: {
    grpc: 'UNAVAILABLE',
    isRetryable: true,
    docs: 'The model provider cannot be reached or answered with a server error.',
  },
  provider_rate_limited: {
    grpc: 'RESOURCE_EXHAUSTED',
    isRetryable: true,
    docs: 'The model provider limits the rate; RetryInfo carries its advice.',
  },
  provider_rejected: {
    grpc: 'FAILED_PRECONDITION',
    isRetryable: false,
    docs: "The model provider refused the request; the message is the provider's.",
  },
  provider_unauthorized: {
    grpc: 'FAILED_PRECONDITION',
    isRetryable: false,
    docs: 'The model provider refused the configured credential.',
  },
  provider_timeout: {
    grpc: 'DEADLINE_EXCEEDED',
    isRetryable: true,
    docs: 'The model provider was silent for longer than its timeout.',
  },
  provider_invalid_response: {
    grpc: 'INTERNAL',
    isRetryable: true,
    docs: 'The model provider answered with something that is not its protocol.',
  },
  mcp_connection_failed: {
    grpc: 'UNAVAILABLE',
    isRetryable: true,
    docs: 'The tool server cannot be started, reached, or its connection broke.',
  },
  mcp_tool_not_found: {
    grpc: 'NOT_FOUND',
    isRetryable: false,
    docs: 'No tool of this name is in the catalogue.',
  },
  mcp_timeout: {
    grpc: 'DEADLINE_EXCEEDED',
    isRetryable: true,
    docs: 'The tool server did not answer in the time given to it.',
  },
  mcp_protocol_error: {
    grpc: 'INTERNAL',
    isRetryable: false,
    docs: 'The tool server answered with something that is not MCP, or with a protocol error.',
  },
  mcp_result_too_large: {
    grpc: 'RESOURCE_EXHAUSTED',
    isRetryable: false,
    docs: 'The result of a tool is larger than its cap.',
  },
  tool_arguments_invalid: {
    grpc: 'INVALID_ARGUMENT',
    isRetryable: false,
    docs: 'The arguments of a tool call do not fit the schema of the tool.',
  },
  audit_unavailable: {
    grpc: 'UNAVAILABLE',
    isRetryable: true,
    docs: 'The audit log cannot be written, so nothing with an effect may run.',
  },
  storage_unavailable: {
    grpc: 'UNAVAILABLE',
    isRetryable: true,
    docs: 'The data directory cannot be used; the fact `reason` says why, such as `disk_full`, `read_only`, `locked`, `corrupt` where something that is kept does not open, or `no_key` with the `key_id` that it takes.',
  },
  internal: {
    grpc: 'INTERNAL',
    isRetryable: false,
    docs: 'A fault of the host; the log has the cause under the run id.',
  },
};

/** Name of a gRPC status code (https://grpc.io/docs/guides/status-codes/). */
export type GrpcStatusName =
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED';

/** What a code means at the edges. */
export interface ErrorRule {
  readonly grpc: GrpcStatusName;
  /** Whether the same request may succeed later without a change. */
  readonly isRetryable: boolean;
  /** One sentence for docs/reference/errors.md. */
  readonly docs: string;
}
