import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const page = readFileSync('docs/operate.md', 'utf8');
const sources = globSync('apps/host/src/**/*.ts', { exclude: ['**/*.test.ts'] });

/** The texts of what is logged from `warn` on, up to what varies in them. */
function readWarnings(source: string): readonly string[] {
  const calls = source.matchAll(/\blog\.(?:warn|error|fatal)\(([\s\S]*?)\);/g);
  return Array.from(calls, ([, args = '']) => {
    const last = Array.from(args.matchAll(/'([^']+)'|`([^`$]+)/g)).at(-1);
    return last?.[1] ?? last?.[2]?.trim() ?? '';
  }).filter((text) => text !== '');
}

test('every warning that a host can log stands on the page for the night, with what to do', () => {
  const warnings = sources.flatMap((path) => readWarnings(readFileSync(path, 'utf8')));
  assert.ok(warnings.length >= 12, 'they are looked for where they no longer are');
  // A long one may be cut on the page.
  const isThere = (text: string): boolean => page.includes(`\`${text.slice(0, 50)}`);
  assert.deepEqual(
    warnings.filter((text) => !isThere(text)),
    [],
  );
});

test('every reason for which a store cannot be used stands there, too', () => {
  const source = readFileSync('packages/store-sqlite/src/fault.ts', 'utf8');
  const [, union = ''] = /StorageReason =([^;]*);/.exec(source) ?? [];
  const reasons = Array.from(union.matchAll(/'([a-z_]+)'/g), ([, reason = '']) => reason);
  assert.ok(reasons.length > 10);
  assert.deepEqual(
    [...reasons, 'no_key'].filter((reason) => !page.includes(`\n| \`${reason}\``)),
    [],
  );
});
