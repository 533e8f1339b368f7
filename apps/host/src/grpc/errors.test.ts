import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack, durationMs } from '@bufbuild/protobuf/wkt';
import { RetryInfoSchema, RpcStatusSchema } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import fc from 'fast-check';
import { toStatus } from './errors.ts';

const asItIs = (text: string): string => text;

/** The details as a client reads them. */
function detailsOf(error: HostError) {
  const [bytes] = toStatus(error, asItIs).metadata?.get('grpc-status-details-bin') ?? [];
  assert.ok(Buffer.isBuffer(bytes));
  return fromBinary(RpcStatusSchema, bytes);
}

test('a message of any text, cut anywhere, can be sent', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', minLength: 1_000, maxLength: 1_100 }),
      fc.constantFrom('', '\ud83d', '\udc00'),
      (text, half) => {
        const { details } = toStatus(new HostError('internal', `${half}${text}${half}`), asItIs);
        // What grpc-js does with it; half a character would throw here.
        assert.ok(encodeURI(details).length > 0);
        assert.ok(details.length <= 1_024);
      },
    ),
  );
});

test('advice to retry is whole milliseconds, and never earlier than it was', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (retryAfterMs) => {
      const { details } = detailsOf(new HostError('overloaded', 'full', { retryAfterMs }));
      const delays = details.flatMap((detail) => {
        const delay = anyUnpack(detail, RetryInfoSchema)?.retryDelay;
        return delay === undefined ? [] : [durationMs(delay)];
      });
      assert.deepEqual(delays, [Math.ceil(retryAfterMs)]);
    }),
  );
});

test('every text of an error is hidden, and whole before anything is cut', () => {
  const error = new HostError('validation_failed', `${'x'.repeat(1_020)}canary`, {
    cause: new Error('canary'),
    facts: { field: 'a canary' },
    violations: [{ field: 'spec.metadata["canary"]', description: 'no canary' }],
  });
  const { details, metadata } = toStatus(error, (text) => text.replaceAll('canary', '…'));
  assert.equal(details, `${'x'.repeat(1_020)}…`);
  const [bytes] = metadata?.get('grpc-status-details-bin') ?? [];
  assert.ok(Buffer.isBuffer(bytes) && bytes.includes('a …') && !bytes.includes('cana'));
});
