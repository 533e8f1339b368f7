import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { FacadeService } from '@modelhost/mcp-gateway';
import { startTestHost } from '../fixtures/started-host.ts';
import { hideInServices } from './hide-in-facade.ts';

const hide = (text: string): string => text.replaceAll('canary', '…');

function serviceOf(answer: () => Promise<JsonObject>): FacadeService {
  const path = '/x';
  const service = { path, method: 'POST', isAuthenticated: true, resource: path, answer } as const;
  const [hidden = service] = hideInServices([service], hide);
  return hidden;
}

const caller = { principal: undefined, baseUrl: '' };

test('what a service answers is hidden, and so is why it refuses', async () => {
  const answering = serviceOf(async () => ({ decision: false, context: { error: ['a canary'] } }));
  assert.deepEqual(await answering.answer({}, caller), {
    decision: false,
    context: { error: ['a …'] },
  });
  const refusing = serviceOf(async () => {
    throw new HostError('validation_failed', 'no canary');
  });
  await assert.rejects(refusing.answer({}, caller), { code: 'validation_failed', message: 'no …' });
  const broken = new TypeError('canary');
  await assert.rejects(
    serviceOf(async () => {
      throw broken;
    }).answer({}, caller),
    broken,
  );
});

test('an error of the façade tells nothing of a secret in the request', async () => {
  await using started = await startTestHost({ mcp: { port: 0 }, isOpen: true });
  // Built from parts, so that no scanner takes it for a real one.
  const name = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');
  const response = await fetch(`http://${started.host.mcpAddress}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'prompts/get',
      'mcp-name': name,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'prompts/get',
      params: {
        name,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  });
  const text = await response.text();
  assert.match(text, /\[SECRET\]/);
  assert.ok(!text.includes(name));
});
