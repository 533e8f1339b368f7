import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classifyInboundRequest } from '@modelcontextprotocol/server';
import fc from 'fast-check';
import type { JsonObject } from '@modelhost/kernel';
import { eraOf } from './message-era.ts';
import { readRpcMessage } from './rpc-message.ts';

const versions = ['2024-11-05', '2025-11-25', '2026-07-28', '2027-01-01'];
const meta = fc.record(
  {
    'io.modelcontextprotocol/protocolVersion': fc.constantFrom(...versions, 'made-up', 7, null),
    'io.modelcontextprotocol/clientCapabilities': fc.constantFrom({}, { sampling: {} }),
    progressToken: fc.constant('p'),
  },
  { requiredKeys: [] },
);
const message: fc.Arbitrary<JsonObject> = fc.record(
  {
    jsonrpc: fc.constant('2.0'),
    id: fc.constantFrom(1, 'one'),
    method: fc.constantFrom('initialize', 'tools/call', 'ping', 'notifications/initialized'),
    params: fc.record({ _meta: meta, name: fc.constant('x') }, { requiredKeys: [] }),
  },
  { requiredKeys: ['jsonrpc', 'method'] },
);
const answer: fc.Arbitrary<JsonObject> = fc.record({
  jsonrpc: fc.constant('2.0'),
  id: fc.constantFrom(1, 'one'),
  result: fc.constant({}),
});

test('messages are told apart by protocol as the SDK does it', () => {
  fc.assert(
    fc.property(
      fc.oneof(message, answer),
      fc.option(fc.constantFrom(...versions), { nil: undefined }),
      (body, version) => {
        const read = readRpcMessage(body);
        assert.ok(read !== undefined);
        const outcome = classifyInboundRequest({
          httpMethod: 'POST',
          body,
          ...(version === undefined ? {} : { protocolVersionHeader: version }),
        });
        // What the SDK rejects by the rules of the new protocol is answered by them here as well.
        assert.equal(eraOf(read, version), outcome.kind === 'legacy' ? 'legacy' : 'modern');
      },
    ),
    { numRuns: 1_000 },
  );
});
