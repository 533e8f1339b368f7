/**
 * A tool server over stdio without an SDK that says what it must not: as a result, as an error, on the way and on stderr. What it
 * says is in the file of its first argument; what it gets is noted in that of its second.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** What the server says. */
export interface ServerTexts {
  readonly result: string;
  /** What is structured in it, as JSON. */
  readonly structured: string;
  /** That of a resource which it links to. */
  readonly address: string;
  /** The result of another tool, much longer than may be given at once. */
  readonly long: string;
  readonly error: string;
  /** What is said of the error beside its message, as JSON. */
  readonly errorData: string;
  readonly progress: string;
  readonly stderr: string;
  readonly description: string;
  /** In the place of a handshake; empty for a server that works. */
  readonly refusal: string;
}

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: unknown;
    readonly _meta?: { readonly progressToken?: string | number };
  };
}

const [, , textsPath = '', notesPath = ''] = process.argv;
// Whoever starts it has written this file.
const texts = JSON.parse(readFileSync(textsPath, 'utf8')) as ServerTexts;
const password = process.env['CANARY_PASSWORD'] ?? ''; // oxlint-disable-line node/no-process-env

const inputSchema = { type: 'object', properties: { text: { type: 'string' } } };
const tools = ['look', 'long', 'refuse'].map((name) => ({
  name,
  description: texts.description,
  inputSchema,
}));

function send(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

function callTool({ id, params }: Message): void {
  appendFileSync(notesPath, `${JSON.stringify(params)}\n${password}\n`);
  const progressToken = params?.['_meta']?.progressToken;
  if (progressToken !== undefined) {
    const told = { progressToken, progress: 1, message: texts.progress };
    send({ method: 'notifications/progress', params: told });
  }
  console.error(`${texts.stderr} ${password}`);
  send({ id, ...answerOf(params?.name ?? '') });
}

function answerOf(tool: string): object {
  if (tool === 'refuse') {
    const data: unknown = JSON.parse(texts.errorData);
    return { error: { code: -32_000, message: `${texts.error} ${password}`, data } };
  }
  if (tool === 'long') return { result: { content: [{ type: 'text', text: texts.long }] } };
  const structuredContent: unknown = JSON.parse(texts.structured);
  const link = { type: 'resource_link', uri: texts.address, name: 'more' };
  const content = [{ type: 'text', text: `${texts.result} ${password}` }, link];
  return { result: { content, structuredContent } };
}

function receive(message: Message): void {
  const { id, method } = message;
  switch (method) {
    case 'initialize': {
      if (texts.refusal !== '') {
        send({ id, error: { code: -32_000, message: texts.refusal } });
        return;
      }
      const serverInfo = { name: 'canaries', version: '1' };
      const capabilities = { tools: {} };
      send({ id, result: { protocolVersion: '2025-11-25', capabilities, serverInfo } });
      return;
    }
    case 'tools/list':
      send({ id, result: { tools } });
      return;
    case 'tools/call':
      callTool(message);
      return;
    default:
      if (id !== undefined) send({ id, error: { code: -32_601, message: 'no such method' } });
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  // Its peer is the host, which writes one message a line.
  receive(JSON.parse(line) as Message);
});
