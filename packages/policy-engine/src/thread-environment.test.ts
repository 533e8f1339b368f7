import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createThreadEnvironment } from './thread-environment.ts';

test('a thread has no variable of the host, but where compiled code is kept', () => {
  assert.deepEqual(
    Object.keys(createThreadEnvironment()).filter((name) => name !== 'NODE_COMPILE_CACHE'),
    [],
  );
});
