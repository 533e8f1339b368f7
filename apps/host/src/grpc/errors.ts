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
import { HostError } from '@modelhost/kernel';
import { hideError } from '../redaction/hide-error.ts';
import { errorTable } from './error-table.ts';

/** Domain of our codes in google.rpc.ErrorInfo. */
const errorDomain = 'modelhost';
/** Details travel in the headers of the answer, which many clients bound at 8 KiB. */
const detailsBytesMax = 4_096;
const violationsMax = 32;
const factLengthMax = 512;
const messageLengthMax = 1_024;

/**
 * A thrown thing as a gRPC status with google.rpc details, every text of it hidden. What is not a HostError says nothing of
 * itself.
 */
export function toStatus(thrown: unknown, hide: (text: string) => string): StatusObject {
  const error = hideError(
    thrown instanceof HostError ? thrown : new HostError('internal', 'internal fault of the host'),
    hide,
  );
  const code = status[errorTable[error.code].grpc];
  // A cut may split a character, and grpc-js throws on half of one.
  const message = error.message.slice(0, messageLengthMax).toWellFormed();
  const metadata = new Metadata();
  const details = toBinary(
    RpcStatusSchema,
    create(RpcStatusSchema, { code, message, details: detailsOf(error) }),
  );
  metadata.set('grpc-status-details-bin', Buffer.from(details));
  return { code, details: message, metadata };
}

/** As many facts and violations as fit; the code always does. */
function detailsOf(error: HostError): Any[] {
  for (let countMax = violationsMax; ; countMax = Math.floor(countMax / 2)) {
    const details = packDetails(error, countMax);
    const bytes = details.reduce((sum, { value }) => sum + value.length, 0);
    if (bytes <= detailsBytesMax || countMax === 0) return details;
  }
}

function packDetails(error: HostError, countMax: number): Any[] {
  const facts = Object.entries(error.facts)
    .slice(0, countMax)
    .map(([key, value]) => [key, value.slice(0, factLengthMax)] as const);
  const info = create(ErrorInfoSchema, {
    reason: error.code,
    domain: errorDomain,
    metadata: Object.fromEntries(facts),
  });
  const details = [anyPack(ErrorInfoSchema, info)];
  const fieldViolations = error.violations.slice(0, countMax);
  if (fieldViolations.length > 0) {
    const badRequest = create(BadRequestSchema, {
      fieldViolations: fieldViolations.map(({ field, description }) => ({ field, description })),
    });
    details.push(anyPack(BadRequestSchema, badRequest));
  }
  if (error.retryAfterMs !== undefined) {
    const retry = create(RetryInfoSchema, {
      retryDelay: durationFromMs(Math.ceil(error.retryAfterMs)),
    });
    details.push(anyPack(RetryInfoSchema, retry));
  }
  return details;
}
