import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { walkPage } from '../walk-page.ts';

const page = 'docs/write-policy.md';

walkPage(page, ({ blocks, run }) => {
  test('the worked examples stand in the page as they stand in their project, and each has tests that pass', async () => {
    const project = 'examples/policies/cookbook';
    const names = readdirSync(project, { recursive: true, encoding: 'utf8' });
    const rules = names.filter((name) => name.endsWith('.cedar'));
    assert.ok(rules.length >= 10);
    const shown = blocks.map(({ text }) => text);
    for (const name of rules) {
      assert.ok(
        shown.includes(readFileSync(join(project, name), 'utf8')),
        `${page} shows ${name} otherwise`,
      );
    }
    const { status, output } = await run(`npx model-host policy test "${resolve(project)}"`);
    // Every rule has to be hit, too.
    assert.equal(status, 0, output);
  });
});
