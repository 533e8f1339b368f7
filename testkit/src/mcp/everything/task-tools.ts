/** Tools that take their time, for those who serve calls as tasks. */
import { ProtocolError, ProtocolErrorCode, type Tool } from '@modelcontextprotocol/server';
import { setTimeout as delay } from 'node:timers/promises';
import { accepted } from './asking-tools.ts';
import { ask, elicit, textResult, type FixtureTool } from './behaviour.ts';

/** How each of them ends: with a result, an error, a refusal, an answer. */
export const taskTools: readonly FixtureTool[] = [
  taskTool('greet', { name: { type: 'string' } }, undefined, (call) =>
    textResult(`Hello, ${String(call.arguments['name'])}!`),
  ),
  taskTool(
    'slow_compute',
    { seconds: { type: 'number' }, label: { type: 'string' } },
    'optional',
    async (call) => {
      const seconds = Math.min(Number(call.arguments['seconds'] ?? 0), 60);
      await delay(seconds * 1_000, undefined, { signal: call.signal });
      return textResult(`Computed for ${seconds} s`);
    },
  ),
  taskTool('failing_job', {}, 'required', async (call) => {
    await delay(1_000, undefined, { signal: call.signal });
    return { ...textResult('The job failed'), isError: true };
  }),
  taskTool('protocol_error_job', {}, 'optional', () => {
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'The job broke');
  }),
  taskTool('confirm_delete', { filename: { type: 'string' } }, 'optional', (call) => {
    if (call.answers?.['confirm'] !== undefined) return textResult('Deleted');
    return ask({ confirm: elicit('Delete the file?', { confirm: { type: 'boolean' } }) });
  }),
  taskTool('multi_input', {}, 'optional', (call) => {
    const open = ['first', 'second'].filter((key) => call.answers?.[key] === undefined);
    if (open.length === 0) return textResult('Got both');
    const question = elicit('Your name?', { name: { type: 'string' } });
    return ask(Object.fromEntries(open.map((key) => [key, question])));
  }),
  taskTool('test_tool_with_task', {}, 'required', async (call) => {
    const answer = accepted(call, 'user_name');
    if (answer === undefined) {
      return ask({ user_name: elicit('What is your name?', { name: { type: 'string' } }) });
    }
    await delay(200, undefined, { signal: call.signal });
    return textResult(`Done for ${Object.values(answer).join(' ')}`);
  }),
];

function taskTool(
  name: string,
  properties: NonNullable<Tool['inputSchema']['properties']>,
  taskSupport: 'optional' | 'required' | undefined,
  run: FixtureTool['run'],
): FixtureTool {
  const definition: Tool = {
    name,
    description: `A job: ${name}`,
    inputSchema: { type: 'object', properties },
    // The modern era has no place for it, so it is said in the words of whoever makes tasks of calls.
    ...(taskSupport === undefined
      ? {}
      : { execution: { taskSupport }, _meta: { 'modelhost/taskSupport': taskSupport } }),
  };
  return { definition, run };
}
