/** The tool servers of the tests that speak over stdio and have no SDK. */
import { createInterface } from 'node:readline';

/** A message of the host. */
export interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: { readonly text?: string };
    readonly _meta?: { readonly progressToken?: string | number };
  };
}

/** What makes one of them. */
export interface ToolProcess {
  readonly name: string;
  readonly tools: readonly object[];
  /** Answers a call by itself, with `send`, or leaves it without an answer. */
  readonly call: (message: Message) => void;
  /** The host takes a call back. */
  readonly cancelled?: () => void;
  /** Is said in the place of a handshake. */
  readonly refusal?: string;
}

/** Writes a message, or what is to pass for one. */
export function send(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

/** Answers a call with a text. */
export function answer(id: number | undefined, text: string, isError = false): void {
  send({ id, result: { content: [{ type: 'text', text }], isError } });
}

/** Serves on stdin and stdout of this process until the input ends. */
export function serveTools(server: ToolProcess): void {
  createInterface({ input: process.stdin }).on('line', (line) => {
    // Its peer is the host, which writes one message a line.
    receive(server, JSON.parse(line) as Message);
  });
}

function receive({ name, tools, call, cancelled, refusal }: ToolProcess, message: Message): void {
  const { id, method } = message;
  switch (method) {
    case 'initialize': {
      if (refusal !== undefined) return send({ id, error: { code: -32_000, message: refusal } });
      const serverInfo = { name, version: '1' };
      const capabilities = { tools: {} };
      return send({ id, result: { protocolVersion: '2025-11-25', capabilities, serverInfo } });
    }
    case 'tools/list':
      return send({ id, result: { tools } });
    case 'tools/call':
      return call(message);
    case 'notifications/cancelled':
      return cancelled?.();
    default:
      if (id !== undefined) send({ id, error: { code: -32_601, message: 'no such method' } });
  }
}
