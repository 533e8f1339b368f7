import type { Readable, Writable } from 'node:stream';
import type { JsonObject, Principal } from '@modelhost/kernel';
import type { FacadeCore } from './core-types.ts';
import { createLegacySession } from './http/legacy-session.ts';
import { eraOf } from './http/message-era.ts';
import { rpcFailure, readRpcMessage } from './http/rpc-message.ts';
import type { RpcMessage } from './http/rpc-message.ts';
import { readStrictJson } from './http/strict-json.ts';
import { createLineReader } from './line-reader.ts';
import { createModernStdio } from './modern-stdio.ts';
import { rpcCodes } from './rpc-errors.ts';

/** What serving over stdio needs. */
export interface StdioOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly principal: Principal;
  /** Bytes of one message; default 4 MiB. A longer line ends the service: what comes after it cannot be told apart. */
  readonly lineBytesMax?: number;
  /** Requests in flight of one client; default 64. */
  readonly requestsInFlightMax?: number;
  /** How long requests in flight may go on after the end of the input; default 10 s. */
  readonly drainTimeoutMs?: number;
}

/** A client over stdio. */
export interface StdioService {
  /** Fulfilled when everything was answered and written; never rejects. */
  readonly closed: Promise<void>;
  /** Cancels everything. */
  close(): void;
}

const depthMax = 64;

/**
 * Serves one client over lines of JSON, in any protocol: a request that says itself which one it speaks is answered by
 * itself, any other belongs to a session with a handshake. At the end of the input, what is in flight is finished.
 */
export function serveFacadeOverStdio(core: FacadeCore, options: StdioOptions): StdioService {
  const { input, output, principal } = options;
  const { lineBytesMax = 4_194_304, requestsInFlightMax = 64, drainTimeoutMs = 10_000 } = options;
  const closed = Promise.withResolvers<void>();
  let pending = 0;
  let isInputEnded = false;
  let isFinished = false;
  let stopDrain: (() => void) | undefined;

  const { send, flushed } = createLineWriter(input, output);
  const sendMessage = (message: JsonObject): void => send(JSON.stringify(message));
  const modern = createModernStdio({ core, principal, send, requestsInFlightMax, onEnd: settle });
  const legacy = createLegacySession({
    core,
    principal,
    clock: core.clock,
    send: sendMessage,
    bounds: { requestsInFlightMax },
  });

  function take(message: RpcMessage): void {
    if (message.kind === 'request' && eraOf(message, undefined) === 'modern') {
      modern.take(message);
      return;
    }
    if (message.kind === 'notification' && modern.cancel(message)) return;
    pending += 1;
    legacy.receive(message, { send: sendMessage, end: endOne });
  }

  function endOne(): void {
    pending -= 1;
    settle();
  }

  function takeLine(line: Buffer): void {
    const read = readStrictJson(line, { bytesMax: lineBytesMax, depthMax });
    if (read.kind === 'refused') {
      return sendMessage(rpcFailure(undefined, { code: read.code, message: read.reason }));
    }
    const message = readRpcMessage(read.message);
    if (message !== undefined) return take(message);
    sendMessage(
      rpcFailure(undefined, { code: rpcCodes.invalidRequest, message: 'Invalid request' }),
    );
  }

  function endInput(): void {
    if (isInputEnded) return;
    isInputEnded = true;
    modern.endSubscriptions();
    stopDrain = core.clock.setTimer(drainTimeoutMs, close);
    settle();
  }

  function settle(): void {
    if (isInputEnded && pending === 0 && modern.requestsInFlight() === 0) finish();
  }

  function finish(): void {
    if (isFinished) return;
    isFinished = true;
    stopDrain?.();
    legacy.close();
    modern.close();
    void flushed().then(closed.resolve);
  }

  function close(): void {
    isInputEnded = true;
    input.off('data', reader.push);
    finish();
  }

  const reader = createLineReader({ lineBytesMax, onLine: takeLine, onTooLong: close });
  output.on('error', close);
  input.on('error', close).on('data', reader.push).once('end', endInput).once('close', endInput);
  return { closed: closed.promise, close };
}

interface LineWriter {
  readonly send: (text: string) => void;
  /** Fulfilled when everything is written, or cannot be any more. Nothing is read from the input again. */
  readonly flushed: () => Promise<void>;
}

/** A client that does not read is not read from either, so that what waits to be written stays bounded. */
function createLineWriter(input: Readable, output: Writable): LineWriter {
  const resume = (): void => void input.resume();
  output.on('drain', resume);
  return {
    send(text) {
      if (output.destroyed || output.writableEnded) return;
      if (!output.write(`${text}\n`)) input.pause();
    },
    flushed: async () => {
      output.off('drain', resume);
      if (output.destroyed || !output.writableNeedDrain) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      output.once('drain', resolve).once('close', resolve);
      await promise;
    },
  };
}
