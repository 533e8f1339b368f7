import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonSize } from './json-size.ts';

/** Whether it would come back as it was. */
function isJsonValue(value: unknown): boolean {
  return jsonSize(value) !== undefined;
}

test('every JSON value is one, and nothing is that JSON would change', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => isJsonValue(value)));
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true }), (value) => {
      if (value === undefined || !isJsonValue(value)) return;
      const back: unknown = JSON.parse(JSON.stringify(value));
      assert.equal(isLike(back, value), true);
    }),
  );
});

test('a member that is undefined counts as absent, an item of an array does not', () => {
  assert.equal(isJsonValue({ error: undefined }), true);
  assert.equal(isJsonValue(undefined), true);
  assert.equal(isJsonValue([undefined]), false);
});

test('nesting past 64 is refused, and so is a cycle', () => {
  const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);
  assert.equal(isJsonValue(nest(64)), true);
  assert.equal(isJsonValue(nest(65)), false);
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  assert.equal(isJsonValue(cycle), false);
});

/** Equal but for members that are undefined, prototypes that are null, and the sign of zero. */
function isLike(back: unknown, value: unknown): boolean {
  if (typeof back !== 'object' || typeof value !== 'object' || back === null || value === null) {
    return back === value;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const backEntries = new Map<string, unknown>(Object.entries(back));
  return (
    Array.isArray(back) === Array.isArray(value) &&
    entries.length === backEntries.size &&
    entries.every(([key, item]) => isLike(backEntries.get(key), item))
  );
}

test('the size is that of the text in bytes or a little more, whatever must be escaped', () => {
  const letters = fc.constantFrom('a', '"', '\u0001', '\u20ac', '\u{1f600}', '\ud800');
  const values = fc.jsonValue({ stringUnit: letters });
  fc.assert(
    fc.property(values, (value) => {
      const size = jsonSize(value) ?? 0;
      const bytes = Buffer.byteLength(JSON.stringify(value));
      assert.ok(bytes <= size && size <= 3 * bytes + 2, `${bytes} bytes, not ${size}`);
    }),
  );
});
