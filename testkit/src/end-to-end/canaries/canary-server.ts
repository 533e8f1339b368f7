/**
 * A tool server that says what it must not: as a result, as an error, on the way and on stderr. What it
 * says is in the file of its first argument; what it gets is noted in that of its second.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { send, serveTools } from '../../tool-process.ts';
import type { Message } from '../../tool-process.ts';

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

serveTools({
  name: 'canaries',
  tools,
  call: callTool,
  ...(texts.refusal === '' ? {} : { refusal: texts.refusal }),
});
