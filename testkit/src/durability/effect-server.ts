/**
 * A tool server over stdio, without an SDK, whose tools do nothing but add a line to a file that nobody else writes: that line is
 * the effect, whatever becomes of the answer.
 */
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly arguments?: { readonly text?: string } };
}

const path = process.argv[2] ?? '';
const inputSchema = {
  type: 'object',
  properties: { text: { type: 'string' } },
  required: ['text'],
  additionalProperties: false,
};
const tools = ['look', 'note', 'pay', 'sign'].map((name) => ({ name, inputSchema }));

function send(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

function receive({ id, method, params }: Message): void {
  switch (method) {
    case 'initialize': {
      const serverInfo = { name: 'effects', version: '1' };
      send({
        id,
        result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo },
      });
      return;
    }
    case 'tools/list':
      send({ id, result: { tools } });
      return;
    case 'tools/call': {
      const text = params?.arguments?.text ?? '';
      appendFileSync(path, `${Date.now()} ${params?.name ?? ''} ${text}\n`);
      // Long enough that a host can be killed between the effect and the answer.
      setTimeout(() => {
        send({ id, result: { content: [{ type: 'text', text: `did ${text}` }], isError: false } });
      }, 3);
      return;
    }
    default:
      if (id !== undefined) send({ id, error: { code: -32_601, message: 'no such method' } });
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  // Its peer is the host, which writes one message a line.
  receive(JSON.parse(line) as Message);
});
