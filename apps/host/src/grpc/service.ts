import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type {
  DescMessage,
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import type { HideMessage } from './hide-message.ts';

/** What a handler knows of its call. */
export interface CallContext {
  readonly principal: Principal;
  /** Aborts when the caller cancels, its deadline is over, or the request timeout is. */
  readonly signal: AbortSignal;
  /** How long the caller waits for an answer: the request timeout, or what is left until its own deadline when that is sooner. */
  readonly timeoutMs: number;
}

type UnaryHandler<Input extends DescMessage, Output extends DescMessage> = (
  request: MessageShape<Input>,
  call: CallContext,
) => Promise<MessageInitShape<Output>>;

/** Gives encoded messages, so that the hot ones can be encoded by hand. */
type StreamHandler<Input extends DescMessage> = (
  request: MessageShape<Input>,
  call: CallContext,
) => AsyncIterable<Buffer>;

/** One handler for each method of a service. */
export type Handlers<Service extends DescService> = {
  readonly [Name in keyof Service['method']]: Service['method'][Name] extends DescMethodUnary<
    infer Input,
    infer Output
  >
    ? UnaryHandler<Input, Output>
    : Service['method'][Name] extends DescMethodServerStreaming<infer Input>
      ? StreamHandler<Input>
      : never;
};

/** A method with its handler, without the types that the compiler has checked. */
export type Route = {
  readonly method: DescMethod;
  readonly path: string;
} & (
  | {
      readonly kind: 'unary';
      readonly handle: (request: Buffer, call: CallContext) => Promise<Buffer>;
    }
  | {
      readonly kind: 'stream';
      readonly handle: (request: Buffer, call: CallContext) => AsyncIterable<Buffer>;
    }
);

/**
 * The routes of a service; throws for a method that nobody handles. An answer passes `hide`; what is streamed is hidden before it
 * is kept.
 */
export function createRoutes<Service extends DescService>(
  service: Service,
  handlers: Handlers<Service>,
  hide: HideMessage,
): readonly Route[] {
  return service.methods.map((method) => {
    const path = `/${service.typeName}/${method.name}`;
    // The mapped type holds a handler of the right shape under each local name.
    const handler = (handlers as Readonly<Record<string, unknown>>)[method.localName];
    if (typeof handler !== 'function') throw new HostError('internal', `nobody handles ${path}`);
    switch (method.methodKind) {
      case 'unary': {
        const handle = handler as UnaryHandler<DescMessage, DescMessage>;
        return {
          kind: 'unary',
          method,
          path,
          handle: async (request, call) => {
            const answer = await handle(decode(method.input, request), call);
            const message = create(method.output, answer);
            hide(method.output, message);
            return encode(method.output, message);
          },
        };
      }
      case 'server_streaming': {
        const handle = handler as StreamHandler<DescMessage>;
        return {
          kind: 'stream',
          method,
          path,
          handle: (request, call) => handle(decode(method.input, request), call),
        };
      }
      case 'client_streaming':
      case 'bidi_streaming':
        throw new HostError('internal', `${path} is of a kind that is not served`);
    }
  });
}

/** The definition that grpc-js registers: bytes in, bytes out, so that a request is decoded behind the guard. */
export function definitionOf(routes: readonly Route[]): ServiceDefinition {
  return Object.fromEntries(
    routes.map(({ method, path, kind }) => [
      method.localName,
      {
        path,
        originalName: method.localName,
        requestStream: false,
        responseStream: kind === 'stream',
        requestSerialize: (message: MessageShape<DescMessage>) => encode(method.input, message),
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
      },
    ]),
  );
}

/** A request from its bytes. Throws `validation_failed` for what is no such message. */
function decode<Type extends DescMessage>(schema: Type, bytes: Buffer): MessageShape<Type> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new HostError('validation_failed', `the request is no ${schema.typeName}`, { cause });
  }
}

/** A message as bytes; grpc-js needs a Buffer, and this is one over the same bytes. */
export function encode<Type extends DescMessage>(
  schema: Type,
  message: MessageShape<Type>,
): Buffer {
  const bytes = toBinary(schema, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
