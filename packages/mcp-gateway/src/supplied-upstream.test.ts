import assert from 'node:assert/strict';
import test from 'node:test';
import { HostError, isJsonObject, parseJsonText } from '@modelhost/kernel';
import { serverSpec, startGateway } from './fixtures/start-gateway.ts';
import type { Hiding } from './hiding.ts';
import { legacyServer } from './upstream/fixtures/scripted-server.ts';
import { serveHandler } from './upstream/fixtures/serve-asking.ts';

const hide = (text: string): string => text.replaceAll('s3cret', '[HIDDEN]');
const hiding: Hiding = {
  text: hide,
  long: async (text) => hide(text),
  definition: (definition) => {
    const text = JSON.stringify(definition);
    if (text.includes('endless')) throw new HostError('validation_failed', 'it is too long');
    const hidden = parseJsonText(hide(text));
    return isJsonObject(hidden) ? hidden : {};
  },
};

test('what a server lists is hidden before it is pinned or offered, and left out where it cannot be', async (t) => {
  const inputSchema = { type: 'object' };
  const server = legacyServer(
    ({ method }) => {
      if (method === 'prompts/list') return { prompts: [{ name: 'p', description: 'a s3cret' }] };
      return {
        tools: [
          { name: 'one', description: 'knows s3cret', inputSchema },
          { name: 'two', description: 'is endless', inputSchema },
        ],
      };
    },
    { tools: {}, prompts: {} },
  );
  const spec = serverSpec('fix', await serveHandler(t, server));
  const { gateway, entries } = startGateway(t, [spec], { hiding });
  await gateway.connected();
  assert.deepEqual(
    gateway.listTools('acme').map(({ name, description }) => [name, description]),
    [['fix__one', 'knows [HIDDEN]']],
  );
  const { tools, prompts } = gateway.relay.catalogue('acme');
  const shown = JSON.stringify([tools, prompts, gateway.pins.list(), gateway.pins.sets()]);
  assert.ok(shown.includes('a [HIDDEN]') && !shown.includes('s3cret'));
  const said = entries.map(({ message }) => message);
  assert.ok(said.includes('one of its tools is left out: it is too long'));
});
