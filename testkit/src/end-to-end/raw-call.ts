import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata, status as grpcStatus } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { BadRequestSchema, ErrorInfoSchema, RpcStatusSchema } from '@modelhost/contracts';

/** A call that a well-behaved client would not make, on a connection of its own. */
export interface RawCall {
  readonly address: string;
  /** `package.Service/Method`. */
  readonly method: string;
  /** The message, whatever it is. */
  readonly bytes?: Uint8Array;
  readonly authorization?: string;
  readonly deadlineMs?: number;
  /** Whether answers stream. */
  readonly isStream?: boolean;
}

/** What a call failed with, apart from its message. */
export interface CallFailure {
  /** Name of the gRPC status. */
  readonly status: string;
  /** Of ErrorInfo; absent when the answer had none. */
  readonly reason?: string;
  readonly facts?: Readonly<Record<string, string>>;
  /** Of BadRequest. */
  readonly fields?: readonly string[];
}

/** Makes the call; gives what it failed with, and only the status `OK` when it did not. */
export async function callRaw(call: RawCall): Promise<CallFailure> {
  const client = new Client(call.address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_send_message_length': -1,
  });
  try {
    return await send(client, call);
  } finally {
    client.close();
  }
}

async function send(client: Client, call: RawCall): Promise<CallFailure> {
  const { authorization, deadlineMs, bytes = Buffer.of() } = call;
  const metadata = new Metadata();
  if (authorization !== undefined) metadata.set('authorization', authorization);
  const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
  const path = `/${call.method}`;
  const { promise, resolve } = Promise.withResolvers<CallFailure>();
  if (call.isStream === true) {
    const argument = Buffer.from(bytes);
    client
      .makeServerStreamRequest(path, asIs, asIs, argument, metadata, options)
      .on('error', (error: ServiceError) => resolve(toFailure(error)))
      .on('end', () => resolve({ status: 'OK' }))
      .resume();
  } else {
    client.makeUnaryRequest(path, asIs, asIs, Buffer.from(bytes), metadata, options, (error) =>
      resolve(error === null ? { status: 'OK' } : toFailure(error)),
    );
  }
  return await promise;
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

function toFailure(error: ServiceError): CallFailure {
  const status = grpcStatus[error.code] ?? 'UNKNOWN';
  const [encoded] = error.metadata.get('grpc-status-details-bin');
  if (!Buffer.isBuffer(encoded)) return { status };
  const { details } = fromBinary(RpcStatusSchema, encoded);
  const [info] = details.flatMap((detail) => anyUnpack(detail, ErrorInfoSchema) ?? []);
  const [badRequest] = details.flatMap((detail) => anyUnpack(detail, BadRequestSchema) ?? []);
  return {
    status,
    reason: info?.reason ?? '',
    facts: { ...info?.metadata },
    fields: badRequest?.fieldViolations.map(({ field }) => field) ?? [],
  };
}
