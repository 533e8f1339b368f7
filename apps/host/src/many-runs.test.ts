import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHost, task } from './fixtures/started-host.ts';

test('one client starts and follows more runs on its connection than the resets that HTTP/2 puts up with', async () => {
  await using started = await startTestHost();
  const client = started.connect();
  // A thousand reset streams in a burst are taken for an attack, and the whole connection is closed.
  const runsMax = 1_050;
  let runsLeft = runsMax;
  let completed = 0;

  async function work(): Promise<void> {
    while (runsLeft > 0) {
      runsLeft -= 1;
      for await (const { event } of client.run(task('answer'))) {
        // Leaving with the last event is what most callers do.
        if (event.case === 'runFinished') {
          completed += 1;
          break;
        }
      }
    }
  }

  await Promise.all(Array.from({ length: 16 }, work));
  assert.equal(completed, runsMax);
});
