import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { hideLists } from './hide-lists.ts';

test('every item is hidden, and one that cannot be looked through is left out', async () => {
  const logged: string[] = [];
  const lists = { tools: [{ name: 'a' }, { name: 'deep' }, { name: 'b' }], prompts: [] };
  const hidden = await hideLists(lists, {
    hide: (item) => {
      if (item['name'] === 'deep') throw new HostError('validation_failed', 'too deep');
      return { ...item, isHidden: true };
    },
    log: (message) => void logged.push(message),
  });
  assert.deepEqual(hidden, {
    tools: [
      { name: 'a', isHidden: true },
      { name: 'b', isHidden: true },
    ],
    prompts: [],
  });
  assert.deepEqual(logged, ['one of its tools is left out: too deep']);
});
