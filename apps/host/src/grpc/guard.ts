import { Metadata } from '@grpc/grpc-js';
import type {
  sendUnaryData,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import type { Authenticate } from '../auth.ts';
import { callTimeMs } from './call-time.ts';
import { toStatus } from './errors.ts';
import type { CallContext, Route } from './service.ts';

/** What is checked before a handler sees a call, and told after it. */
export interface GuardOptions {
  readonly authenticate: Authenticate;
  /** For a call that is no stream. */
  readonly requestTimeoutMs: number;
  /** Whether the connection of this peer (`address:port`) is one too many. */
  readonly isOverLimit: (peer: string) => boolean;
  readonly maxConnections: number;
  readonly onCall: (call: CallReport) => void;
  /** What every text of an error passes. */
  readonly hide: (text: string) => string;
}

/** One call, for the log. */
export interface CallReport {
  readonly method: string;
  /** Undefined for a call that was refused before. */
  readonly principal: Principal | undefined;
  readonly durationMs: number;
  /** Undefined when it went well. */
  readonly error: unknown;
}

/** What both kinds of call have in common. */
interface GuardedCall {
  readonly metadata: Metadata;
  getPeer(): string;
  getDeadline(): Date | number;
  on(event: 'cancelled', listener: () => void): unknown;
}

type AnyUnary = ServerUnaryCall<Buffer, Buffer>;
type AnyStream = ServerWritableStream<Buffer, Buffer>;

/** The one way in: every method of every service of ours passes here. */
export function guardRoutes(
  routes: readonly Route[],
  options: GuardOptions,
): UntypedServiceImplementation {
  return Object.fromEntries(
    routes.map((route) => [
      route.method.localName,
      route.kind === 'unary'
        ? (call: AnyUnary, callback: sendUnaryData<Buffer>) =>
            void answerUnary(route, options, call, callback)
        : (call: AnyStream) => void answerStream(route, options, call),
    ]),
  );
}

async function answerUnary(
  route: Extract<Route, { kind: 'unary' }>,
  options: GuardOptions,
  call: AnyUnary,
  callback: sendUnaryData<Buffer>,
): Promise<void> {
  const { requestTimeoutMs } = options;
  const passage = openPassage(route, options, call);
  const timer = setTimeout(
    () => passage.abort(timedOut(route.path, requestTimeoutMs)),
    requestTimeoutMs,
  );
  try {
    const answer = route.handle(call.request, passage.enter());
    // A handler that ignores its signal must not keep its caller waiting.
    const bytes = await Promise.race([answer, passage.aborted]);
    callback(null, bytes);
    passage.leave(undefined);
  } catch (thrown) {
    callback(toStatus(thrown, options.hide));
    passage.leave(thrown);
  } finally {
    clearTimeout(timer);
  }
}

async function answerStream(
  route: Extract<Route, { kind: 'stream' }>,
  options: GuardOptions,
  call: AnyStream,
): Promise<void> {
  const passage = openPassage(route, options, call);
  try {
    const context = passage.enter();
    // A run may tell nothing new for days: whoever follows it knows at once that a host has taken the call.
    call.sendMetadata(new Metadata());
    for await (const bytes of route.handle(call.request, context)) {
      // The reader is slow: nothing more is taken from the event log until it has read.
      if (!call.write(bytes)) await drained(call, context.signal);
      // Nobody reads any more; a handler that ignores its signal must not go on for ever.
      context.signal.throwIfAborted();
    }
    call.end();
    passage.leave(undefined);
  } catch (thrown) {
    call.emit('error', toStatus(thrown, options.hide));
    passage.leave(thrown);
  }
}

/** One call on its way through the guard. */
interface Passage {
  /** Checks the call. Throws what refuses it. */
  enter(): CallContext;
  abort(reason: HostError): void;
  /** Rejects with the reason once the call is aborted. */
  readonly aborted: Promise<never>;
  leave(error: unknown): void;
}

function openPassage(route: Route, options: GuardOptions, call: GuardedCall): Passage {
  const startedAtMs = performance.now();
  const controller = new AbortController();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  aborted.catch(() => {});
  let principal: Principal | undefined;

  function abort(reason: HostError): void {
    controller.abort(reason);
    reject(reason);
  }

  call.on('cancelled', () => abort(new HostError('cancelled', 'the caller cancelled the call')));
  return {
    enter: () => {
      refuseIfOverLimit(options, call.getPeer());
      const [authorization] = call.metadata.get('authorization');
      principal = options.authenticate(authorization?.toString());
      const timeoutMs = callTimeMs(call.getDeadline(), options.requestTimeoutMs);
      return { principal, signal: controller.signal, timeoutMs };
    },
    abort,
    aborted,
    leave: (error) => {
      const durationMs = performance.now() - startedAtMs;
      options.onCall({ method: route.path, principal, durationMs, error });
    },
  };
}

function refuseIfOverLimit({ isOverLimit, maxConnections }: GuardOptions, peer: string): void {
  if (!isOverLimit(peer)) return;
  throw new HostError('overloaded', `the host has its ${maxConnections} connections already`, {
    facts: { max_connections: String(maxConnections) },
    retryAfterMs: 1_000,
  });
}

function timedOut(path: string, requestTimeoutMs: number): HostError {
  return new HostError('deadline_exceeded', `${path} took longer than ${requestTimeoutMs} ms`, {
    facts: { timeout_ms: String(requestTimeoutMs) },
  });
}

async function drained(call: AnyStream, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => resolve();
  call.once('drain', wake);
  signal.addEventListener('abort', wake);
  await promise;
  // One call drains thousands of times: a listener that stayed each time would be a leak.
  call.off('drain', wake);
  signal.removeEventListener('abort', wake);
}
