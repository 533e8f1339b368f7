import { parseJSONRPCMessage, serializeMessage } from '@modelcontextprotocol/client';
import type { Transport } from '@modelcontextprotocol/client';
import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { HostError } from '@modelhost/kernel';
import { readAnswerId } from './answer-id.ts';
import { failed } from './failures.ts';
import type { LineEnds } from './line-splitter.ts';
import { startServerProcess } from './process/server-process.ts';
import type { ServerProcess, ServerProcessOptions } from './process/server-process.ts';
import { isNestedTooDeeply, readRpcMessage } from './rpc-message.ts';
import type { RpcMessage } from './rpc-message.ts';
import { readId, wireError, wireErrorCodes } from './wire-errors.ts';

/** A child process that speaks MCP over its standard streams. */
export interface StdioTransport extends Transport {
  /** The SDK tells a stdio transport by the presence of this and the next. */
  readonly stderr: null;
  readonly pid: null;
  /** Writes a message as it is. Throws when the process is gone or does not read. */
  write(text: string): void;
  /** Why the connection ended, when it was not by `close`. */
  failure(): HostError | undefined;
}

/** What a transport is made of. */
export interface StdioTransportOptions extends ServerProcessOptions {
  /** Gets each message first; says whether it was dealt with. The SDK gets the others. */
  readonly take: (message: RpcMessage) => boolean;
  /** The connection ended; comes once. */
  readonly onEnd: (failure: HostError | undefined) => void;
}

/** The process is started by `start`; once `close` has resolved, nothing of it is left. */
export function createStdioTransport(options: StdioTransportOptions): StdioTransport {
  const { server, log } = options;
  let process: ServerProcess | undefined;
  let failure: HostError | undefined;
  let ended: Promise<void> | undefined;
  const transport: StdioTransport = {
    stderr: null,
    pid: null,
    start,
    send: async (message) => write(serializeMessage(message).trimEnd()),
    write,
    close,
    failure: () => failure,
  };

  async function start(): Promise<void> {
    if (ended !== undefined) throw closed(server);
    const events = { onLine: receive, onDropped: receiveDropped, onFailure: fail };
    process = startServerProcess(options, events);
    await process.started();
  }

  function write(text: string): void {
    if (process === undefined || ended !== undefined) throw failure ?? closed(server);
    process.write(`${text}\n`);
  }

  function receive(line: string): void {
    if (line.trim() === '') return;
    const read = readLine(line);
    switch (read.type) {
      case 'value':
        deliver(read.message, read.value);
        return;
      case 'stray':
        log('stdout', line);
        return;
      case 'malformed':
        if (read.id === undefined) fail(malformed(server));
        else answerFor(read.id, wireErrorCodes.malformed);
    }
  }

  /** Only the call whose answer was too long fails; without its id nobody could tell which one that is. */
  function receiveDropped(ends: LineEnds): boolean {
    const id = readAnswerId(ends);
    if (id === undefined) return false;
    answerFor(id, wireErrorCodes.tooLarge);
    return true;
  }

  function answerFor(id: string | number, code: number): void {
    const value = wireError(id, code, 'no usable answer');
    deliver({ type: 'answer', id, answer: { kind: 'error', error: value.error } }, value);
  }

  function deliver(message: RpcMessage, value: unknown): void {
    try {
      if (!options.take(message)) transport.onmessage?.(parseJSONRPCMessage(value));
    } catch (cause) {
      // The SDK stumbled over the message: the process must not.
      fail(malformed(server, cause));
    }
  }

  function fail(error: HostError): void {
    if (ended !== undefined) return;
    failure = error;
    void close();
  }

  function close(): Promise<void> {
    if (ended !== undefined) return ended;
    ended = process?.end() ?? Promise.resolve();
    options.onEnd(failure);
    transport.onclose?.();
    return ended;
  }

  return transport;
}

type ReadLine =
  | { readonly type: 'value'; readonly value: unknown; readonly message: RpcMessage }
  | { readonly type: 'stray' }
  | { readonly type: 'malformed'; readonly id: string | number | undefined };

/** Many servers print to their output by mistake; what is meant as a message but is none breaks the protocol. */
function readLine(line: string): ReadLine {
  let value: unknown;
  try {
    value = parseJsonText(line);
  } catch {
    return line.startsWith('{"') ? { type: 'malformed', id: undefined } : { type: 'stray' };
  }
  if (isNestedTooDeeply(value, line.length)) return { type: 'malformed', id: readId(value) };
  const message = readRpcMessage(value);
  if (message !== undefined) return { type: 'value', value, message };
  const isMeant = isJsonObject(value) && ('jsonrpc' in value || 'id' in value);
  return isMeant ? { type: 'malformed', id: readId(value) } : { type: 'stray' };
}

function closed(server: string): HostError {
  return failed('mcp_connection_failed', server, 'its connection is closed');
}

function malformed(server: string, cause?: unknown): HostError {
  const reason = 'it wrote something that is not of the protocol';
  return failed('mcp_protocol_error', server, reason, { cause });
}
