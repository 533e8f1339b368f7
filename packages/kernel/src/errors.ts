/** One of the stable codes; the host's table says what each means at the edges (docs/reference/errors.md). */
export type ErrorCode =
  | 'validation_failed'
  | 'config_invalid'
  | 'unauthenticated'
  | 'permission_denied'
  | 'policy_violation'
  | 'not_found'
  | 'request_conflict'
  | 'failed_precondition'
  | 'budget_exceeded'
  | 'overloaded'
  | 'draining'
  | 'deadline_exceeded'
  | 'cancelled'
  | 'provider_unavailable'
  | 'provider_rate_limited'
  | 'provider_rejected'
  | 'provider_unauthorized'
  | 'provider_timeout'
  | 'provider_invalid_response'
  | 'mcp_connection_failed'
  | 'mcp_tool_not_found'
  | 'mcp_timeout'
  | 'mcp_protocol_error'
  | 'mcp_result_too_large'
  | 'tool_arguments_invalid'
  | 'audit_unavailable'
  | 'storage_unavailable'
  | 'internal';

/** A field of a request or of a tool's arguments that is refused. */
export interface FieldViolation {
  /** Path of the field, such as `spec.input[0].text`. */
  readonly field: string;
  /** What is wrong, the shape that is expected and the remedy; never the value itself. */
  readonly description: string;
}

/** What an error carries beside its code and message; all of it is safe for the tenant to see. */
export interface HostErrorOptions {
  /** For our logs only: never leaves the process. */
  readonly cause?: unknown;
  /** Stable facts, such as `budget`, `tool`, `timeout_ms`. */
  readonly facts?: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  /** When a retry makes sense, in milliseconds from now. */
  readonly retryAfterMs?: number;
}

/** The one error class of the host. Its message is ours and safe to show. */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly code: ErrorCode;
  readonly facts: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: HostErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
    this.violations = options.violations ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The part of an error that may be stored and sent: no stack, no cause. */
export interface ErrorData extends Pick<HostErrorOptions, 'retryAfterMs'> {
  readonly code: ErrorCode;
  readonly message: string;
  readonly facts: Readonly<Record<string, string>>;
}

const hostFault: ErrorData = { code: 'internal', message: 'internal fault of the host', facts: {} };

/** Any thrown thing as data; what is not a HostError becomes `internal` with a message that says nothing of the cause. */
export function toErrorData(thrown: unknown): ErrorData {
  const { code, message, facts, retryAfterMs } = thrown instanceof HostError ? thrown : hostFault;
  return { code, message, facts, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
