import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadKeys } from '@modelhost/keys-file';
import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { FacadeService } from '@modelhost/mcp-gateway';
import { createHostRedactor } from '@modelhost/redaction';
import { startTestHost } from '../fixtures/started-host.ts';
import { hideInServices } from './hide-in-facade.ts';

// Built from parts, so that no scanner takes it for a real one.
const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');
const environmentValue = Buffer.alloc(32, 7).toString('base64');
const keys = await loadKeys({ path: 'unused', environmentValue });
const redactor = createHostRedactor({ always: { secrets: 'token' }, keys });

function serviceOf(answer: FacadeService['answer']): FacadeService {
  const path = '/x';
  const service = { path, method: 'POST', isAuthenticated: true, resource: path, answer } as const;
  const [hidden = service] = hideInServices([service], redactor);
  return hidden;
}

const caller = { principal: undefined, baseUrl: '' };

test('what a service is asked, answers or refuses with is hidden', async () => {
  const asked: JsonObject[] = [];
  const answering = serviceOf(async (body) => {
    asked.push(body);
    return { decision: false, context: { error: [`a ${token}`] } };
  });
  assert.deepEqual(await answering.answer({ resource: [token] }, caller), {
    decision: false,
    context: { error: ['a [SECRET]'] },
  });
  assert.deepEqual(asked, [{ resource: ['[SECRET]'] }]);
  const refusing = serviceOf(async () => {
    throw new HostError('validation_failed', `no ${token}`);
  });
  await assert.rejects(refusing.answer({}, caller), {
    code: 'validation_failed',
    message: 'no [SECRET]',
  });
  const broken = new TypeError('x');
  await assert.rejects(
    serviceOf(async () => {
      throw broken;
    }).answer({}, caller),
    broken,
  );
});

test('an error of the façade tells nothing of a secret in the request', async () => {
  await using started = await startTestHost({ mcp: { port: 0 }, isOpen: true });
  const response = await fetch(`http://${started.host.mcpAddress}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'prompts/get',
      'mcp-name': token,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'prompts/get',
      params: {
        name: token,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  });
  const text = await response.text();
  assert.match(text, /\[SECRET\]/);
  assert.ok(!text.includes(token));
});
