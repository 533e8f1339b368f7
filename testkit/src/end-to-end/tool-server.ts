/**
 * A tool server with one tool for each way to behave. With `dead` as its argument it ends at once,
 * with `stubborn` only by SIGKILL.
 */
import { answer, send, serveTools } from '../tool-process.ts';
import type { Message } from '../tool-process.ts';

const names = ['echo', 'held', 'forbidden', 'wait', 'die', 'flood', 'garbage', 'refuse', 'fail'];
const inputSchema = {
  type: 'object',
  properties: { text: { type: 'string' }, count: { type: 'integer' } },
  required: ['text'],
  additionalProperties: false,
};
const tools = [...names, 'large', 'shapeless'].map((name) => ({ name, inputSchema }));

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

if (process.argv[2] === 'dead') process.exit(1);
if (process.argv[2] === 'stubborn') {
  // Ends neither when its input does nor when it is asked to.
  process.on('SIGTERM', () => {});
  setInterval(() => {}, 1_000);
}
serveTools({
  name: 'end-to-end',
  tools,
  call: callTool,
  cancelled: () => console.error('wait: cancelled'),
});
