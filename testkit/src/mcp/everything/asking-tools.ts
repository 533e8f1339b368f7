/** Tools that ask the client before they answer. */
import { inputResponse, type InputRequest } from '@modelcontextprotocol/server';
import { ask, askRoots, elicit, plainTool, sample, textResult } from './behaviour.ts';
import type { Call, FixtureTool, ToolOutcome } from './behaviour.ts';

const name = { name: { type: 'string' } };
const isOk = { ok: { type: 'boolean' } };

/** Questions of every kind, in one round and in several, with and without state. */
export const askingTools: readonly FixtureTool[] = [
  {
    definition: {
      name: 'test_sampling',
      description: "Asks the client's model",
      inputSchema: {
        type: 'object',
        properties: { prompt: { type: 'string', description: 'What to ask' } },
        required: ['prompt'],
      },
    },
    run: (call) => askOnce(call, 'response', sample(String(call.arguments['prompt']), 100)),
  },
  {
    definition: {
      name: 'test_elicitation',
      description: 'Asks the user',
      inputSchema: {
        type: 'object',
        properties: { message: { type: 'string', description: 'What to show' } },
        required: ['message'],
      },
    },
    run: (call) => askOnce(call, 'user', elicit(String(call.arguments['message']), person)),
  },
  plainTool('test_elicitation_sep1034_defaults', 'Asks with defaults', (call) =>
    askOnce(call, 'defaults', elicit('Please review the defaults', withDefaults, [])),
  ),
  plainTool('test_elicitation_sep1330_enums', 'Asks with every kind of choice', (call) =>
    askOnce(call, 'choices', elicit('Please choose', choices, [])),
  ),
  plainTool('test_missing_capability', 'Works only with sampling', (call) =>
    askOnce(call, 'thought', sample('Say anything', 10)),
  ),
  plainTool('test_streaming_elicitation', 'Asks the user', async (call) => {
    await call.progress(0, 1);
    return askOnce(call, 'confirm', elicit('Please confirm', isOk));
  }),
  plainTool('test_input_required_result_elicitation', 'Asks for a name', (call) => {
    const answer = accepted(call, 'user_name');
    if (typeof answer?.['name'] === 'string') return textResult(`Hello, ${answer['name']}!`);
    return ask({ user_name: elicit('What is your name?', name) });
  }),
  plainTool('test_input_required_result_sampling', "Asks the client's model", (call) =>
    askOnce(call, 'capital_question', sample('What is the capital of France?', 100)),
  ),
  plainTool('test_input_required_result_list_roots', 'Asks for the roots', (call) =>
    askOnce(call, 'client_roots', askRoots),
  ),
  plainTool('test_input_required_result_request_state', 'Asks, with state', (call) =>
    askWithState(call, 'state-ok'),
  ),
  plainTool('test_input_required_result_tampered_state', 'Asks, with sealed state', (call) =>
    askWithState(call, 'untouched'),
  ),
  plainTool('test_input_required_result_multiple_inputs', 'Asks three things at once', askThree),
  plainTool('test_input_required_result_multi_round', 'Asks two things in turn', askTwice),
  plainTool('test_input_required_result_capabilities', 'Asks what the client can do', (call) => {
    const { sampling } = call.capabilities;
    if (sampling === undefined) return askOnce(call, 'user', elicit('Please confirm', isOk));
    return askOnce(call, 'thought', sample('Say anything', 10));
  }),
];

const person = {
  username: { type: 'string', description: "User's response" },
  email: { type: 'string', description: "User's email address" },
};

const withDefaults = {
  name: { type: 'string', description: 'Name', default: 'John Doe' },
  age: { type: 'integer', description: 'Age', default: 30 },
  score: { type: 'number', description: 'Score', default: 95.5 },
  status: {
    type: 'string',
    description: 'Status',
    enum: ['active', 'inactive', 'pending'],
    default: 'active',
  },
  verified: { type: 'boolean', description: 'Verified', default: true },
};

const choices = {
  untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
  titledSingle: {
    type: 'string',
    oneOf: ['First', 'Second', 'Third'].map((word, at) => ({
      const: `value${at + 1}`,
      title: `${word} Option`,
    })),
  },
  legacyEnum: {
    type: 'string',
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: {
    type: 'array',
    items: { type: 'string', enum: ['option1', 'option2', 'option3'] },
  },
  titledMulti: {
    type: 'array',
    items: {
      anyOf: ['First', 'Second', 'Third'].map((word, at) => ({
        const: `value${at + 1}`,
        title: `${word} Choice`,
      })),
    },
  },
};

/** Asks one thing and answers with what came back. */
function askOnce(call: Call, key: string, request: InputRequest): ToolOutcome {
  const answer = inputResponse(call.answers, key);
  switch (answer.kind) {
    case 'missing':
      return ask({ [key]: request });
    case 'elicit':
      return textResult(
        `Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content)}`,
      );
    case 'sampling':
      return textResult(`LLM response: ${JSON.stringify(answer.result.content)}`);
    case 'roots':
      return textResult(`Roots: ${answer.roots.map(({ uri }) => uri).join(', ')}`);
  }
}

/** The content of an accepted form; undefined for any other answer. */
export function accepted(call: Call, key: string): Readonly<Record<string, unknown>> | undefined {
  const answer = inputResponse(call.answers, key);
  return answer.kind === 'elicit' && answer.action === 'accept' ? answer.content : undefined;
}

async function askWithState(call: Call, word: string): Promise<ToolOutcome> {
  if (call.state === word && accepted(call, 'confirm') !== undefined) return textResult(word);
  return ask({ confirm: elicit('Please confirm', isOk) }, await call.seal(word));
}

async function askThree(call: Call): Promise<ToolOutcome> {
  const requests = {
    user_name: elicit('What is your name?', name),
    greeting: sample('Generate a greeting', 50),
    client_roots: askRoots,
  };
  const keys = Object.keys(requests);
  const isComplete = keys.every((key) => inputResponse(call.answers, key).kind !== 'missing');
  if (isComplete) return textResult(`Got ${keys.join(', ')}`);
  return ask(requests, await call.seal('three'));
}

async function askTwice(call: Call): Promise<ToolOutcome> {
  if (call.state === 'second') {
    const color = accepted(call, 'step2')?.['color'];
    if (typeof color === 'string') return textResult(`Favorite color: ${color}`);
  }
  if (call.state === 'first' && accepted(call, 'step1') !== undefined) {
    const color = { color: { type: 'string' } };
    const question = elicit('Step 2: What is your favorite color?', color);
    return ask({ step2: question }, await call.seal('second'));
  }
  return ask({ step1: elicit('Step 1: What is your name?', name) }, await call.seal('first'));
}
