/**
 * A tool server over stdio without an SDK: one tool for each way to behave. With `dead` as its argument it ends at once,
 * with `stubborn` only by SIGKILL.
 */
import { createInterface } from 'node:readline';

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly arguments?: { readonly text?: string } };
}

const names = ['echo', 'held', 'forbidden', 'wait', 'die', 'flood', 'garbage', 'refuse', 'fail'];
const inputSchema = {
  type: 'object',
  properties: { text: { type: 'string' }, count: { type: 'integer' } },
  required: ['text'],
  additionalProperties: false,
};
const tools = [...names, 'large', 'shapeless'].map((name) => ({ name, inputSchema }));

function send(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

function answer(id: number | undefined, text: string, isError = false): void {
  send({ id, result: { content: [{ type: 'text', text }], isError } });
}

function callTool({ id, params }: Message): void {
  switch (params?.name ?? '') {
    case 'wait':
      console.error('wait: called');
      return;
    case 'die':
      process.exit(3);
      return;
    case 'flood':
      setInterval(() => process.stdout.write('x'.repeat(65_536)), 1);
      return;
    case 'garbage':
      process.stdout.write(`{"jsonrpc":"2.0","id":${id},"result":{\n`);
      return;
    case 'shapeless':
      send({ id, result: { content: 'text' } });
      return;
    case 'refuse':
      send({ id, error: { code: -32_000, message: 'out of paper' } });
      return;
    case 'fail':
      answer(id, 'no such file', true);
      return;
    case 'large':
      answer(id, 'word '.repeat(1_000));
      return;
    default:
      answer(id, params?.arguments?.text ?? '');
  }
}

function receive(message: Message): void {
  const { id, method } = message;
  switch (method) {
    case 'initialize': {
      const serverInfo = { name: 'end-to-end', version: '1' };
      send({
        id,
        result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo },
      });
      return;
    }
    case 'tools/list':
      send({ id, result: { tools } });
      return;
    case 'tools/call':
      callTool(message);
      return;
    case 'notifications/cancelled':
      console.error('wait: cancelled');
      return;
    default:
      if (id !== undefined) send({ id, error: { code: -32_601, message: 'no such method' } });
  }
}

if (process.argv[2] === 'dead') process.exit(1);
if (process.argv[2] === 'stubborn') {
  // Ends neither when its input does nor when it is asked to.
  process.on('SIGTERM', () => {});
  setInterval(() => {}, 1_000);
}
createInterface({ input: process.stdin }).on('line', (line) => {
  // Its peer is the host, which writes one message a line.
  receive(JSON.parse(line) as Message);
});
