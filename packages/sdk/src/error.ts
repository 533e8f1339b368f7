import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack, durationMs } from '@bufbuild/protobuf/wkt';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
  RpcStatusSchema,
} from '@modelhost/contracts';

/** What a call failed with, from the error details of the contract. */
export class ModelHostError extends Error {
  override readonly name = 'ModelHostError';
  /** Stable code such as `budget_exceeded`; `transport` when no host answered. */
  readonly code: string;
  /** Name of the gRPC status, such as `NOT_FOUND`. */
  readonly grpcStatus: string;
  readonly facts: Readonly<Record<string, string>>;
  readonly violations: readonly { readonly field: string; readonly description: string }[];
  /** When a retry makes sense; undefined when the host gives no advice. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: Pick<
      ModelHostError,
      'code' | 'grpcStatus' | 'facts' | 'violations' | 'retryAfterMs'
    > & {
      readonly cause?: unknown;
    },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.grpcStatus = options.grpcStatus;
    this.facts = options.facts;
    this.violations = options.violations;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The error of a call, whatever was thrown. */
export function toModelHostError(thrown: unknown): ModelHostError {
  if (thrown instanceof ModelHostError) return thrown;
  if (!isServiceError(thrown)) {
    const message = thrown instanceof Error ? thrown.message : 'the call failed';
    return transportError(message, 'UNKNOWN', thrown);
  }
  const statusName = grpcStatus[thrown.code] ?? 'UNKNOWN';
  const details = thrown.metadata.get('grpc-status-details-bin')[0];
  try {
    if (Buffer.isBuffer(details)) return fromDetails(details, statusName, thrown);
  } catch {
    // Details that are none of the contract's are like no details: something else has answered.
  }
  return transportError(thrown.details, statusName, thrown);
}

/** Whether the connection broke, so that the same may be asked again: whatever the host said is an answer. */
export function isBroken({ code, grpcStatus: statusName }: ModelHostError): boolean {
  return code === 'transport' && statusName === 'UNAVAILABLE';
}

/** Whether the same may be asked again for what is still to come: the connection broke, or the host goes down and comes back. */
export function isPassing(error: ModelHostError): boolean {
  return isBroken(error) || error.code === 'draining';
}

/** A run of which the caller has more than there is, as after a backup of the host was restored; undefined for another error. */
export function rewoundOf({ code, facts }: ModelHostError): RewoundRun | undefined {
  const { run_id: runId, last_sequence: lastSequence } = facts;
  if (code !== 'failed_precondition' || runId === undefined) return undefined;
  if (lastSequence === undefined || !/^\d{1,18}$/.test(lastSequence)) return undefined;
  return { runId, lastSequence: BigInt(lastSequence) };
}

/** Its events are other ones than those that the caller has. */
export interface RewoundRun {
  readonly runId: string;
  /** The newest event that there is. */
  readonly lastSequence: bigint;
}

/** The host answered without what every answer has. */
export function missingError(field: string): ModelHostError {
  return transportError(`the answer of the host has no ${field}`, 'INTERNAL', undefined);
}

/** As if the connection had broken. */
export function brokenError(message: string): ModelHostError {
  return transportError(message, 'UNAVAILABLE', undefined);
}

function fromDetails(details: Buffer, statusName: string, cause: ServiceError): ModelHostError {
  const rpcStatus = fromBinary(RpcStatusSchema, details);
  let code = 'transport';
  let facts: Readonly<Record<string, string>> = {};
  let violations: ModelHostError['violations'] = [];
  let retryAfterMs: number | undefined;
  for (const detail of rpcStatus.details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) {
      code = info.reason;
      facts = info.metadata;
    }
    const badRequest = anyUnpack(detail, BadRequestSchema);
    if (badRequest !== undefined) {
      violations = badRequest.fieldViolations.map(({ field, description }) => ({
        field,
        description,
      }));
    }
    const delay = anyUnpack(detail, RetryInfoSchema)?.retryDelay;
    if (delay !== undefined) retryAfterMs = durationMs(delay);
  }
  const options = { code, grpcStatus: statusName, facts, violations, retryAfterMs, cause };
  return new ModelHostError(rpcStatus.message, options);
}

function transportError(message: string, statusName: string, cause: unknown): ModelHostError {
  return new ModelHostError(message, {
    code: 'transport',
    grpcStatus: statusName,
    facts: {},
    violations: [],
    retryAfterMs: undefined,
    cause,
  });
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && 'code' in thrown && 'metadata' in thrown && 'details' in thrown;
}
