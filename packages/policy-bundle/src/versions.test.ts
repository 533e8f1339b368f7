import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isAtLeast, minimumPattern } from './versions.ts';

test('versions are compared number by number', () => {
  const part = fc.nat({ max: 12 });
  const version = fc.tuple(part, part, part);
  fc.assert(
    fc.property(version, version, (a, b) => {
      const difference = a.map((number, index) => number - (b[index] ?? 0)).find((d) => d !== 0);
      assert.equal(isAtLeast(a.join('.'), b.join('.')), (difference ?? 0) >= 0);
    }),
  );
});

test('a pre-release comes before its release, and a build is like its release', () => {
  assert.ok(!isAtLeast('1.2.3-rc.1', '1.2.3'));
  assert.ok(isAtLeast('1.2.4-rc.1', '1.2.3'));
  assert.ok(isAtLeast('1.2.3+build', '1.2.3'));
  assert.ok(isAtLeast('4.13', '4.13.0'));
  assert.ok(!isAtLeast('4.13', '4.13.1'));
});

test('what is no version is older than any', () => {
  for (const version of ['', '1', 'v1.2.3', '1.2.3.4', '1.2.x', '1.2.3-', '9999999.0.0']) {
    assert.ok(!isAtLeast(version, '0.0.0'), version);
  }
  for (const minimum of ['1.2', '01.2.3', '1.2.3-rc.1', '1.2.3\n', '>=1.2.3', '1000000.0.0']) {
    assert.ok(!minimumPattern.test(minimum), minimum);
  }
});
