import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeNextPage } from './next-page.ts';

test('the next page is that of the same list', () => {
  const given = { state: 'finished', limit: 5, all: true, rule: undefined } as const;
  assert.equal(
    describeNextPage('runs list', given, 'dG9rZW4='),
    'next: `model-host runs list --state finished --limit 5 --all --page dG9rZW4=`',
  );
  assert.equal(
    describeNextPage('policy decisions list', { resource: "it's here" }, 't'),
    String.raw`next: ${'`'}model-host policy decisions list --resource 'it'\''s here' --page t${'`'}`,
  );
});
