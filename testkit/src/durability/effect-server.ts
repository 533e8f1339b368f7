/**
 * A tool server whose tools do nothing but add a line to a file that nobody else writes: that line is the effect, whatever
 * becomes of the answer.
 */
import { appendFileSync } from 'node:fs';
import { answer, serveTools } from '../tool-process.ts';

const path = process.argv[2] ?? '';
const inputSchema = {
  type: 'object',
  properties: { text: { type: 'string' } },
  required: ['text'],
  additionalProperties: false,
};

serveTools({
  name: 'effects',
  tools: ['look', 'note', 'pay', 'sign'].map((name) => ({ name, inputSchema })),
  call: ({ id, params }) => {
    const text = params?.arguments?.text ?? '';
    appendFileSync(path, `${Date.now()} ${params?.name ?? ''} ${text}\n`);
    // Long enough that a host can be killed between the effect and the answer.
    setTimeout(() => answer(id, `did ${text}`), 3);
  },
});
