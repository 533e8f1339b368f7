import assert from 'node:assert/strict';
import test from 'node:test';
import { startHttpPeers, startStdioPeers } from './peers.ts';
import { startSoak } from './soak.ts';

test('the counters of a soak add up, and nothing that it calls runs twice', async () => {
  let next = 0;
  const peers = [...(await startHttpPeers(4)), ...(await startStdioPeers(1))].map((peer) => ({
    ...peer,
    // Silence lasts as long as a call may, and that is longer here than a busy machine takes for an answer.
    faults: peer.faults.filter((fault) => fault !== 'silent-after'),
  }));
  const soak = await startSoak({
    peers,
    // What a host would pass on.
    environment: process.env, // oxlint-disable-line node/no-process-env
    // Not random, but of no pattern either: the fractions of the multiples of the golden ratio.
    random: () => (next += 0.618_033_988_749_895) % 1,
    callsInFlight: 16,
    callTimeoutMs: 60_000,
    faultShare: 0.1,
    cancelShare: 0.05,
  });
  try {
    await soak.run(200);
    await soak.run(100);
    const { made, answered, failedSent, failedUnsent, cancelled, wrong } = soak.counts();
    assert.deepEqual([made, wrong], [300, 0]);
    assert.equal(answered + failedSent + failedUnsent + cancelled, 300);
    assert.ok(answered > 150 && failedSent > 0);
  } finally {
    await soak.close();
  }
});
