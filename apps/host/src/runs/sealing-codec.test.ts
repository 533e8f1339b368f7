import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSealingCodec } from '@modelhost/engine-embedded';
import { loadKeys } from '@modelhost/keys-file';

const damaged = { code: 'storage_unavailable', facts: { reason: 'corrupt' } };
const environmentValue = Buffer.alloc(32, 7).toString('base64');

test('what is sealed comes back in its own place, cannot be read, and opens in no other', async () => {
  const codec = createSealingCodec(await loadKeys({ path: 'unused', environmentValue }));
  const place = { tenant: 'acme', runId: 'run_1', part: 'entry/0' };
  const others = [
    { ...place, tenant: 'evil' },
    { ...place, runId: 'run_2' },
    { ...place, part: 'entry/1' },
    { ...place, part: 'entry' },
  ];
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 8 }), fc.nat(), (text, at) => {
      const bytes = codec.encode(text, place);
      assert.equal(codec.decode(bytes, place), text);
      assert.equal(Buffer.from(bytes).includes(text), false);
      for (const other of others) {
        assert.throws(() => codec.decode(bytes, other), damaged);
      }
      const changed = Buffer.from(bytes);
      const index = at % changed.length;
      changed[index] = (changed[index] ?? 0) ^ 1;
      assert.throws(() => codec.decode(changed, place), damaged);
    }),
  );
});

test('what another key has sealed says which key that is', async () => {
  const place = { tenant: 'acme', runId: 'run_1', part: 'input' };
  const other = Buffer.alloc(32, 8).toString('base64');
  const keys = await loadKeys({ path: 'unused', environmentValue: other });
  const bytes = createSealingCodec(keys).encode('text', place);
  const codec = createSealingCodec(await loadKeys({ path: 'unused', environmentValue }));
  assert.throws(() => codec.decode(bytes, place), {
    code: 'storage_unavailable',
    facts: { reason: 'no_key', key_id: keys.seal('', '').keyId },
  });
});
