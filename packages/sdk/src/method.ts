import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Client, ClientReadableStream, Metadata } from '@grpc/grpc-js';
import { toModelHostError } from './error.ts';

/** How a call is made. */
export interface Caller {
  readonly client: Client;
  readonly metadata: Metadata;
  /** For a call that is no stream. */
  readonly timeoutMs: number;
  /** Calls that are not over; closing the connection of grpc-js leaves them waiting. */
  readonly inFlight: Set<{ cancel(): void }>;
}

/** Makes a call with one answer, within the time of the caller. Rejects with `ModelHostError`. */
export async function callUnary<Input extends DescMessage, Output extends DescMessage>(
  caller: Caller,
  method: DescMethodUnary<Input, Output>,
  request: MessageInitShape<Input>,
): Promise<MessageShape<Output>> {
  return new Promise((resolve, reject) => {
    const call = caller.client.makeUnaryRequest(
      pathOf(method),
      (message: MessageShape<Input>) => encode(method.input, message),
      (bytes) => fromBinary(method.output, bytes),
      create(method.input, request),
      caller.metadata,
      { deadline: Date.now() + caller.timeoutMs },
      (error, response) => {
        caller.inFlight.delete(call);
        if (error !== null) reject(toModelHostError(error));
        // Without an error grpc-js always gives a response.
        else resolve(response as MessageShape<Output>);
      },
    );
    caller.inFlight.add(call);
  });
}

/** Opens a stream of answers; its reader decides how fast it flows. */
export function openStream<Input extends DescMessage, Output extends DescMessage>(
  caller: Caller,
  method: DescMethodServerStreaming<Input, Output>,
  request: MessageInitShape<Input>,
): ClientReadableStream<MessageShape<Output>> {
  const stream = caller.client.makeServerStreamRequest(
    pathOf(method),
    (message: MessageShape<Input>) => encode(method.input, message),
    (bytes) => fromBinary(method.output, bytes),
    create(method.input, request),
    caller.metadata,
  );
  caller.inFlight.add(stream);
  stream.once('status', () => caller.inFlight.delete(stream));
  return stream;
}

/** The answers of a stream, in order. Leaving the iteration or aborting the signal cancels the call; errors come as grpc-js gives them. */
export async function* readStream<Output>(
  stream: ClientReadableStream<Output>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Output, void> {
  const onAbort = (): void => stream.cancel();
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) stream.cancel();
  try {
    // The stream's own type is unknown to the iteration; `openStream` decoded it.
    for await (const response of stream) yield response as Output;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    // A call that is cancelled reports so with an error that nobody waits for any more.
    stream.on('error', () => {});
    if (!stream.readableEnded) stream.cancel();
  }
}

/** Opens a stream that is not asked for again, and reads it. Throws `ModelHostError`, or the reason of the signal. */
export async function* readAnswers<Output>(
  open: () => ClientReadableStream<Output>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Output, void> {
  try {
    yield* readStream(open(), signal);
  } catch (thrown) {
    signal?.throwIfAborted();
    throw toModelHostError(thrown);
  }
}

function pathOf(method: {
  readonly parent: { readonly typeName: string };
  readonly name: string;
}): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function encode<Type extends DescMessage>(schema: Type, message: MessageShape<Type>): Buffer {
  const bytes = toBinary(schema, message);
  // grpc-js needs a Buffer; this is one over the same bytes.
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
