import assert from 'node:assert/strict';
import test from 'node:test';
import { killAtEveryWrite } from './every-write.ts';
import { killAtRandom } from './random-kills.ts';

test('hosts that are killed at a few writes of their runs do nothing of them again', async (t) => {
  const came = await killAtEveryWrite(t, { stride: 13, pointsMax: 3 });
  t.diagnostic(JSON.stringify(came));
  assert.ok(came.kills >= 3);
});

test('a host that is killed at any moment goes on with all its runs', async (t) => {
  const came = await killAtRandom(t, { kills: 2, runsInFlight: 8, seed: 'timing' });
  t.diagnostic(JSON.stringify(came));
  assert.ok(came.kills >= 2 && came.runs >= 8);
});
