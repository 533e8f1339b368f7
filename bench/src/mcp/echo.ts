/** The one tool of the bench and the one call of it. */

/** A tool as MCP lists it. */
interface ListedTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: {
    type: 'object';
    properties: { message: { type: string; description: string } };
    required: string[];
  };
}

const echoTool: ListedTool = {
  name: 'echo',
  description: 'Gives the message back',
  inputSchema: {
    type: 'object',
    properties: { message: { type: 'string', description: 'What comes back' } },
    required: ['message'],
  },
};

/** About a hundred bytes. */
export const echoMessage: string = `hello ${'x'.repeat(100)}`;

/** What the tool answers. */
export function echoResult(message: unknown): {
  content: { type: 'text'; text: string }[];
} {
  return { content: [{ type: 'text', text: String(message) }] };
}

/** The tool and others beside it, as real servers have them: each with a schema of some size. */
export function echoTools(count: number): ListedTool[] {
  const others = Array.from({ length: count - 1 }, (_, index) => ({
    ...echoTool,
    name: `tool_${index + 1}`,
    description: `Does the work number ${index + 1}, and tells in a sentence or two what came of it.`,
  }));
  return [echoTool, ...others];
}
