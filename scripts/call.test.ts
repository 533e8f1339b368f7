import assert from 'node:assert/strict';
import { test } from 'node:test';
import { walkPage } from './walk-page.ts';

const { run } = walkPage('docs/call.md');

test('the programs of the page have no type errors, however strictly they are looked at', async () => {
  const strict =
    '--strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --noPropertyAccessFromIndexSignature';
  const modules = '--target esnext --module nodenext --allowImportingTsExtensions';
  const { status, output } = await run(
    `node ../node_modules/typescript/bin/tsc --noEmit --skipLibCheck --types node ${strict} ${modules} *.ts`,
  );
  assert.equal(status, 0, output);
});
