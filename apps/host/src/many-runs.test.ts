import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHost, task } from './fixtures/started-host.ts';

test('one client follows runs to their end on its connection more often than the resets that HTTP/2 puts up with', async () => {
  await using started = await startTestHost();
  const client = started.connect();
  let last = 0n;
  let runId = '';
  for await (const { sequence, event } of client.run(task('answer'))) {
    if (event.case === 'runStarted') ({ runId } = event.value);
    last = sequence;
  }
  // A thousand reset streams in a burst, and 33 more in a second, are taken for an attack: the whole connection is closed.
  const followsMax = 1_600;
  let followsLeft = followsMax;
  let completed = 0;

  async function work(): Promise<void> {
    while (followsLeft > 0) {
      followsLeft -= 1;
      for await (const { event } of client.followRun(runId, { afterSequence: last - 1n })) {
        assert.equal(event.case, 'runFinished');
        completed += 1;
        // Leaving with the last event is what most callers do.
        break;
      }
    }
  }

  await Promise.all(Array.from({ length: 16 }, work));
  assert.equal(completed, followsMax);
});
