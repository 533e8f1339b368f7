import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startMs } from './fixtures/entries.ts';
import { inLogDirectory } from './fixtures/log-directory.ts';

test('a process that is killed loses no more than what it had not written, and its lock ends with it', async () => {
  await inLogDirectory(async ({ open, path }) => {
    const script = fileURLToPath(new URL('fixtures/crash-process.ts', import.meta.url));
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    const log = await open();
    const times: number[] = [];
    for await (const { timeMs } of log.recorded({})) times.push(timeMs - startMs);
    assert.ok(times.length >= 100, `${times.length} decisions are left`);
    assert.deepEqual(
      times,
      Array.from({ length: times.length }, (_, index) => index),
    );
  });
});
