import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBundle, type Bundle } from './bundle.ts';
import { diffBundles } from './diff-bundles.ts';
import { ada, files, manifest } from './fixtures/signed-bundles.ts';
import type { BundleFile } from './files.ts';
import type { BundleManifest } from './manifest.ts';
import { readUnverifiedBundle } from './read-unverified-bundle.ts';
import { signBundle } from './sign-bundle.ts';

function bundle(changed: readonly BundleFile[], changes: Partial<BundleManifest> = {}): Bundle {
  const payload = encodeBundle({ ...manifest, ...changes }, changed);
  const result = readUnverifiedBundle(Buffer.from(signBundle(payload, [ada])));
  assert.ok(result.type === 'unverified');
  return result.bundle;
}

test('equal bundles do not differ, in whatever order their files came', () => {
  assert.deepEqual(diffBundles(bundle(files), bundle([...files].reverse())), {
    manifest: [],
    files: [],
  });
});

test('the manifest is compared by field', () => {
  const changes = { revision: 8, mode: 'shadow', canary: ['beta', 'acme'] } as const;
  assert.deepEqual(diffBundles(bundle(files), bundle(files, changes)).manifest, [
    { field: 'canary', before: '[]', after: '["acme","beta"]' },
    { field: 'mode', before: '"enforce"', after: '"shadow"' },
    { field: 'revision', before: '7', after: '8' },
  ]);
});

test('files are compared by line', () => {
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index + 1}`);
  const text = (changed: Readonly<Record<number, string>>): string =>
    `${lines.map((line, index) => changed[index + 1] ?? line).join('\n')}\n`;
  const before = bundle([
    { path: 'a.cedar', content: text({}) },
    { path: 'b.cedar', content: 'one\ntwo\n' },
    { path: 'same.cedar', content: 'same' },
  ]);
  const after = bundle([
    { path: 'a.cedar', content: text({ 2: 'zwei', 9: 'nine\nand more', 25: 'end' }) },
    { path: 'c.cedar', content: 'one' },
    { path: 'same.cedar', content: 'same' },
  ]);
  assert.deepEqual(diffBundles(before, after).files, [
    {
      path: 'a.cedar',
      change: 'changed',
      lines: [
        '@@ -1,12 +1,13 @@',
        ' line 1',
        '-line 2',
        '+zwei',
        ...lines.slice(2, 8).map((line) => ` ${line}`),
        '-line 9',
        '+nine',
        '+and more',
        ...lines.slice(9, 12).map((line) => ` ${line}`),
        '@@ -22,7 +23,7 @@',
        ...lines.slice(21, 24).map((line) => ` ${line}`),
        '-line 25',
        '+end',
        ...lines.slice(25, 28).map((line) => ` ${line}`),
      ],
      linesLeftOut: 0,
    },
    {
      path: 'b.cedar',
      change: 'removed',
      lines: ['@@ -1,2 +0,0 @@', '-one', '-two'],
      linesLeftOut: 0,
    },
    {
      path: 'c.cedar',
      change: 'added',
      lines: ['@@ -0,0 +1,1 @@', '+one (no end of line)'],
      linesLeftOut: 0,
    },
  ]);
});

test('what could hide in a line is written out', () => {
  const hidden = 'a\u202Eb\u200Bc\u001B[2Jd\te\r\n';
  const [file] = diffBundles(
    bundle([{ path: 'a', content: 'a\n' }]),
    bundle([{ path: 'a', content: hidden }]),
  ).files;
  assert.deepEqual(file?.lines.slice(1), ['-a', '+a<U+202E>b<U+200B>c<U+001B>[2Jd\te<U+000D>']);
});

test('a long difference is counted and not shown', () => {
  const long = (letter: string): readonly BundleFile[] =>
    Array.from({ length: 12 }, (_, index) => ({
      path: `${index + 10}.cedar`,
      content: `${letter}\n`.repeat(600),
    }));
  const { files: changed } = diffBundles(bundle(long('a')), bundle(long('b')));
  assert.deepEqual(
    changed.map(({ lines, linesLeftOut }) => [lines.length, linesLeftOut]),
    [...Array.from({ length: 10 }, () => [1_000, 201]), [0, 1_201], [0, 1_201]],
  );
});
