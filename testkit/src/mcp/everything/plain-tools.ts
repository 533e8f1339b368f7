/** Tools that answer without asking anybody. */
import { setTimeout as delay } from 'node:timers/promises';
import { plainTool, textResult, type FixtureTool } from './behaviour.ts';
import { pngBase64, wavBase64 } from './media.ts';

const image = { type: 'image', data: pngBase64, mimeType: 'image/png' } as const;

/** Each kind of content, and each kind of message on the way to it. */
export const plainTools: readonly FixtureTool[] = [
  plainTool('test_simple_text', 'Answers with a text', () =>
    textResult('This is a simple text response for testing.'),
  ),
  plainTool('test_image_content', 'Answers with an image', () => ({ content: [image] })),
  plainTool('test_audio_content', 'Answers with a sound', () => ({
    content: [{ type: 'audio', data: wavBase64, mimeType: 'audio/wav' }],
  })),
  plainTool('test_embedded_resource', 'Answers with a resource', () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  })),
  plainTool('test_multiple_content_types', 'Answers with text, image and resource', () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      image,
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: '{"test":"data","value":123}',
        },
      },
    ],
  })),
  plainTool('test_error_handling', 'Always reports an error', () => ({
    ...textResult('This tool intentionally returns an error for testing'),
    isError: true,
  })),
  plainTool('test_tool_with_logging', 'Logs while it works', async (call) => {
    await call.log('Tool execution started');
    await delay(50);
    await call.log('Tool processing data');
    await delay(50);
    await call.log('Tool execution completed');
    return textResult('Tool with logging executed');
  }),
  plainTool('test_logging_tool', 'Logs once', async (call) => {
    await call.log('A message for those who asked for messages');
    return textResult('Logged');
  }),
  plainTool('test_tool_with_progress', 'Reports its progress', async (call) => {
    for (const progress of [0, 50, 100]) {
      await call.progress(progress, 100);
      if (progress < 100) await delay(50);
    }
    return textResult('Tool with progress executed');
  }),
  plainTool('test_reconnection', 'Ends its stream before it answers', async (call) => {
    call.dropStream();
    await delay(100);
    return textResult('Reconnection test completed');
  }),
  plainTool('test_trigger_tool_change', 'Changes the list of tools', ({ world }) => {
    world.toggle('tools', toggledTool);
    return textResult('The list of tools changed');
  }),
  plainTool('test_trigger_prompt_change', 'Changes the list of prompts', ({ world }) => {
    world.toggle('prompts', toggledPrompt);
    return textResult('The list of prompts changed');
  }),
  schemaTool(),
  headerTool(),
];

/** Listed or not, as `test_trigger_tool_change` decides. */
export const toggledTool = 'test_toggled_tool';
/** Listed or not, as `test_trigger_prompt_change` decides. */
export const toggledPrompt = 'test_toggled_prompt';

function schemaTool(): FixtureTool {
  return {
    definition: {
      name: 'json_schema_2020_12_tool',
      description: 'Tool with JSON Schema 2020-12 features',
      inputSchema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        $defs: {
          address: {
            $anchor: 'addressDef',
            type: 'object',
            properties: { street: { type: 'string' }, city: { type: 'string' } },
          },
        },
        properties: {
          name: { type: 'string' },
          address: { $ref: '#/$defs/address' },
          contactMethod: { type: 'string', enum: ['phone', 'email'] },
          phone: { type: 'string' },
          email: { type: 'string' },
        },
        allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
        if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
        // A conditional of JSON Schema has a member of this name.
        // oxlint-disable-next-line unicorn/no-thenable
        then: { required: ['phone'] },
        else: { required: ['email'] },
        additionalProperties: false,
      },
    },
    run: (call) => textResult(`Arguments: ${JSON.stringify(call.arguments)}`),
  };
}

function headerTool(): FixtureTool {
  const properties = { region: { type: 'string', 'x-mcp-header': 'Region' } };
  return {
    definition: {
      name: 'test_x_mcp_header',
      description: 'Has an argument that travels in a header too',
      inputSchema: { type: 'object', properties },
    },
    run: (call) => textResult(`Region: ${String(call.arguments['region'])}`),
  };
}
