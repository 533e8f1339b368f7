import assert from 'node:assert/strict';
import test from 'node:test';
import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import { fixtureProcess, serverSpec } from '../fixtures/start-gateway.ts';
import { negotiate } from './negotiation.ts';
import type { StdioTransport } from './stdio-transport.ts';
import type { OwnWire } from './wire.ts';

/** A wire over stdio to a server that keeps silent but when it is asked for the old handshake, and what it was asked. */
function createSilentWire(): { readonly wire: OwnWire; readonly asked: readonly string[] } {
  const asked: string[] = [];
  const transport: StdioTransport = {
    stderr: null,
    pid: null,
    start: async () => {},
    send: async (message) => receive(message),
    write: () => assert.fail('nothing goes past the SDK'),
    close: async () => transport.onclose?.(),
    failure: () => undefined,
  };

  function receive(message: JSONRPCMessage): void {
    if (!('method' in message)) return;
    asked.push(message.method);
    if (message.method !== 'initialize' || !('id' in message)) return;
    const serverInfo = { name: 'silent', version: '1' };
    const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo };
    transport.onmessage?.({ jsonrpc: '2.0', id: message.id, result });
  }

  const wire: OwnWire = {
    transport,
    adopt: () => {},
    send: () => assert.fail('nothing is sent yet'),
    notify: () => {},
    answer: () => {},
    failure: () => undefined,
    close: () => transport.close(),
  };
  return { wire, asked };
}

test('over stdio a server that keeps silent when asked for the modern protocol gets the old handshake', async (t) => {
  const { wire, asked } = createSilentWire();
  t.after(() => wire.close());
  const { isModern, verdict, version, capabilities } = await negotiate({
    // It is asked for half of that; the handshake is answered without a turn of the event loop.
    spec: serverSpec('fix', fixtureProcess('none'), { connectTimeoutMs: 40 }),
    clientVersion: '1',
    wire,
    prior: undefined,
    onFault: () => {},
  });
  assert.deepEqual([isModern, verdict, version], [false, { kind: 'legacy' }, '2025-11-25']);
  assert.deepEqual(capabilities, { tools: {} });
  assert.deepEqual(asked, ['server/discover', 'initialize', 'notifications/initialized']);
});
