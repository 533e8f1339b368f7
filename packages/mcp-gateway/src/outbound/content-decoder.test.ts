import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { promisify } from 'node:util';
import { deflate, gzipSync } from 'node:zlib';
import { createDecoder } from './content-decoder.ts';
import type { Pausing } from './content-decoder.ts';

/** Comes back when those who decompress have had their turn. */
async function otherThread(): Promise<void> {
  await promisify(deflate)('x');
}

test('a reader that takes nothing more holds the sender back, and lets it go on with the reading', async () => {
  const plain = randomBytes(4_000_000);
  const packed = gzipSync(plain, { level: 1 });
  const ended = Promise.withResolvers<void>();
  let isPaused = false;
  const sender: Pausing = {
    pause: () => void (isPaused = true),
    resume: () => void (isPaused = false),
  };
  const read: Uint8Array[] = [];
  let reader: Pausing | undefined;
  const decoder = createDecoder({ encoding: 'gzip', sender, server: 'notes' }, (pausing) => {
    reader = pausing;
    return {
      push: (chunk) => void read.push(chunk),
      end: ended.resolve,
      fail: ended.reject,
    };
  });
  reader?.pause();
  let sent = 0;
  function send(): void {
    decoder.push(packed.subarray(sent, (sent += 16_384)));
  }
  // It decompresses beside this thread, so that the sender may be let go on for a little at first.
  for (let waits = 0; waits < 20 && sent < packed.length; waits += 1) {
    if (!isPaused) {
      send();
      waits = 0;
    }
    await otherThread();
  }
  assert.ok(sent < 1_000_000, `${sent} bytes were taken in`);
  reader?.resume();
  while (sent < packed.length) {
    if (!isPaused) send();
    await otherThread();
  }
  decoder.end();
  await ended.promise;
  assert.ok(Buffer.concat(read).equals(plain));
});

test('what is not compressed goes on as it is', () => {
  const sender: Pausing = { pause: () => {}, resume: () => {} };
  const sink = { push: () => {}, end: () => {}, fail: () => {} };
  for (const encoding of [undefined, '', 'identity', 'zstd']) {
    const made = createDecoder({ encoding, sender, server: 'notes' }, (pausing) => {
      assert.equal(pausing, sender);
      return sink;
    });
    assert.equal(made, sink);
  }
});
