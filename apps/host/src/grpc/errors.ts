import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack, durationFromMs } from '@bufbuild/protobuf/wkt';
import type { Any } from '@bufbuild/protobuf/wkt';
import { Metadata, status } from '@grpc/grpc-js';
import type { StatusObject } from '@grpc/grpc-js';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
  RpcStatusSchema,
} from '@modelhost/contracts';
import { errorTable, HostError } from '@modelhost/kernel';

/** Domain of our codes in google.rpc.ErrorInfo. */
const errorDomain = 'modelhost';
/** Headers of a call are small, and details travel in them. */
const violationsMax = 32;
const factLengthMax = 512;
const messageLengthMax = 1_024;

/** A thrown thing as a gRPC status with google.rpc details. What is not a HostError says nothing of itself. */
export function toStatus(thrown: unknown): StatusObject {
  const error =
    thrown instanceof HostError ? thrown : new HostError('internal', 'internal fault of the host');
  const code = status[errorTable[error.code].grpc];
  const message = error.message.slice(0, messageLengthMax);
  const metadata = new Metadata();
  const details = toBinary(
    RpcStatusSchema,
    create(RpcStatusSchema, { code, message, details: detailsOf(error) }),
  );
  metadata.set('grpc-status-details-bin', Buffer.from(details));
  return { code, details: message, metadata };
}

function detailsOf(error: HostError): Any[] {
  const facts = Object.entries(error.facts).map(
    ([key, value]) => [key, value.slice(0, factLengthMax)] as const,
  );
  const info = create(ErrorInfoSchema, {
    reason: error.code,
    domain: errorDomain,
    metadata: Object.fromEntries(facts),
  });
  const details = [anyPack(ErrorInfoSchema, info)];
  if (error.violations.length > 0) {
    const fieldViolations = error.violations.slice(0, violationsMax);
    const badRequest = create(BadRequestSchema, {
      fieldViolations: fieldViolations.map(({ field, description }) => ({ field, description })),
    });
    details.push(anyPack(BadRequestSchema, badRequest));
  }
  if (error.retryAfterMs !== undefined) {
    const retry = create(RetryInfoSchema, { retryDelay: durationFromMs(error.retryAfterMs) });
    details.push(anyPack(RetryInfoSchema, retry));
  }
  return details;
}
