/** The prompts of the fixture. */
import type { FixturePrompt } from './behaviour.ts';
import { ask, elicit } from './behaviour.ts';
import { accepted } from './asking-tools.ts';
import { pngBase64 } from './media.ts';
import { toggledPrompt } from './plain-tools.ts';

/** A prompt of each kind. */
export const prompts: readonly FixturePrompt[] = [
  {
    definition: { name: 'test_simple_prompt', description: 'A text' },
    run: () => ({ messages: [text('This is a simple prompt for testing.')] }),
  },
  {
    definition: {
      name: 'test_prompt_with_arguments',
      description: 'A text with arguments in it',
      arguments: [
        { name: 'arg1', description: 'First test argument', required: true },
        { name: 'arg2', description: 'Second test argument', required: true },
      ],
    },
    run: (call) => ({
      messages: [
        text(
          `Prompt with arguments: arg1='${String(call.arguments['arg1'])}', arg2='${String(call.arguments['arg2'])}'`,
        ),
      ],
    }),
  },
  {
    definition: {
      name: 'test_prompt_with_embedded_resource',
      description: 'A resource and a text',
      arguments: [{ name: 'resourceUri', description: 'What to embed', required: true }],
    },
    run: (call) => ({
      messages: [
        {
          role: 'user',
          content: {
            type: 'resource',
            resource: {
              uri: String(call.arguments['resourceUri']),
              mimeType: 'text/plain',
              text: 'Embedded resource content for testing.',
            },
          },
        },
        text('Please process the embedded resource above.'),
      ],
    }),
  },
  {
    definition: { name: 'test_prompt_with_image', description: 'An image and a text' },
    run: () => ({
      messages: [
        {
          role: 'user',
          content: { type: 'image', data: pngBase64, mimeType: 'image/png' },
        },
        text('Please analyze the image above.'),
      ],
    }),
  },
  {
    definition: { name: 'test_input_required_result_prompt', description: 'Asks for its context' },
    run: (call) => {
      const context = accepted(call, 'user_context')?.['context'];
      if (typeof context === 'string') return { messages: [text(`Context: ${context}`)] };
      const schema = { context: { type: 'string' } };
      return ask({ user_context: elicit('What context should the prompt use?', schema) });
    },
  },
  {
    definition: { name: toggledPrompt, description: 'Comes and goes' },
    run: () => ({ messages: [text('Still here.')] }),
  },
];

function text(words: string) {
  return { role: 'user', content: { type: 'text', text: words } } as const;
}
