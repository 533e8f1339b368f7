import { parseJSONRPCMessage, serializeMessage } from '@modelcontextprotocol/client';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { HostError, isJsonObject } from '@modelhost/kernel';
import { readAnswerId } from './answer-id.ts';
import type { LineEnds } from './line-splitter.ts';
import { startServerProcess } from './server-process.ts';
import type { ServerProcess, ServerProcessOptions } from './server-process.ts';
import { readId, wireError, wireErrorCodes } from './wire-errors.ts';

/** A child process that speaks MCP over its standard streams. */
export interface StdioTransport extends Transport {
  /** The SDK tells a stdio transport by the presence of this and the next. */
  readonly stderr: null;
  readonly pid: null;
  /** Why the connection ended, when it was not by `close`. */
  failure(): HostError | undefined;
}

/** The process is started by `start`; once `close` has resolved, nothing of it is left. */
export function createStdioTransport(options: ServerProcessOptions): StdioTransport {
  const { server, log } = options;
  let process: ServerProcess | undefined;
  let failure: HostError | undefined;
  let ended: Promise<void> | undefined;
  const transport: StdioTransport = {
    stderr: null,
    pid: null,
    start,
    send,
    close,
    failure: () => failure,
  };

  async function start(): Promise<void> {
    if (ended !== undefined) throw closed(server);
    const events = { onLine: receive, onDropped: receiveDropped, onFailure: fail };
    process = startServerProcess(options, events);
    await process.started();
  }

  async function send(message: JSONRPCMessage): Promise<void> {
    if (process === undefined || ended !== undefined) throw closed(server);
    process.write(serializeMessage(message));
  }

  function receive(line: string): void {
    if (line.trim() === '') return;
    const read = readMessage(line);
    switch (read.type) {
      case 'message':
        deliver(read.message);
        return;
      case 'stray':
        log('stdout', line);
        return;
      case 'malformed':
        if (read.id === undefined) fail(malformed(server));
        else deliver(wireError(read.id, wireErrorCodes.malformed, 'malformed message'));
    }
  }

  /** Only the call whose answer was too long fails; without its id nobody could tell which one that is. */
  function receiveDropped(ends: LineEnds): boolean {
    const id = readAnswerId(ends);
    if (id === undefined) return false;
    deliver(wireError(id, wireErrorCodes.tooLarge, 'an answer beyond the cap'));
    return true;
  }

  function deliver(message: JSONRPCMessage): void {
    try {
      transport.onmessage?.(message);
    } catch (cause) {
      // The SDK stumbled over the message (over its nesting, for one): the process must not.
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
    transport.onclose?.();
    return ended;
  }

  return transport;
}

type ReadMessage =
  | { readonly type: 'message'; readonly message: JSONRPCMessage }
  | { readonly type: 'stray' }
  | { readonly type: 'malformed'; readonly id: string | number | undefined };

/** Many servers print to their output by mistake; what is meant as a message but is none breaks the protocol. */
function readMessage(line: string): ReadMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return line.startsWith('{"') ? { type: 'malformed', id: undefined } : { type: 'stray' };
  }
  try {
    return { type: 'message', message: parseJSONRPCMessage(value) };
  } catch {
    const isMeant = isJsonObject(value) && ('jsonrpc' in value || 'id' in value);
    return isMeant ? { type: 'malformed', id: readId(value) } : { type: 'stray' };
  }
}

function closed(server: string): HostError {
  const message = `${server}: its connection is closed`;
  return new HostError('mcp_connection_failed', message, { facts: { server } });
}

function malformed(server: string, cause?: unknown): HostError {
  const message = `${server}: it wrote something that is not of the protocol`;
  return new HostError('mcp_protocol_error', message, { facts: { server }, cause });
}
