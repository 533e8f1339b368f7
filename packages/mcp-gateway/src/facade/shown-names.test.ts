import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { toolNameOf } from '../catalogue/tool-names.ts';
import type { FacadeNaming } from './core-types.ts';
import { showNames } from './shown-names.ts';
import type { NamedItem } from './shown-names.ts';

const alias = fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/);
const bare = fc.oneof(
  fc.constantFrom('echo', 'read', 'a__echo', 'b__read', 'x'.repeat(70), 'two.words'),
  fc.string({ unit: 'binary', maxLength: 90 }),
);
const items = fc
  .uniqueArray(fc.tuple(alias, bare), { selector: (pair) => JSON.stringify(pair), maxLength: 30 })
  .map((pairs) => pairs.map(([of, name]) => ({ bare: name, catalogueName: toolNameOf(of, name) })));

/** A map that gives some items names which others have, or wish for. */
function mapFor(named: readonly NamedItem[]): FacadeNaming {
  const map = Object.fromEntries(
    named.map(({ catalogueName }, index) => [
      catalogueName,
      named[(index * 7) % named.length]?.catalogueName ?? 'echo',
    ]),
  );
  return { map: { ...map, other: 'echo' } };
}

test('abuse A10: in every naming that hides nothing, each tool has one legal name that leads back to it', () => {
  fc.assert(
    fc.property(items, fc.constantFrom('prefix', 'on-collision', 'map'), (named, kind) => {
      const naming = kind === 'map' ? mapFor(named) : kind;
      const shown = showNames(named, naming);
      assert.equal(shown.size, named.length);
      for (const name of shown.keys()) assert.match(name, /^[A-Za-z0-9_-]{1,64}$/);
      assert.deepEqual([...shown.values()], named);
      assert.deepEqual([...showNames(named, naming)], [...shown]);
    }),
  );
});

test('without prefixes the first of two keeps its name, and no name leads to another tool', () => {
  fc.assert(
    fc.property(items, (named) => {
      const shown = showNames(named, 'none');
      for (const [name, item] of shown) assert.equal(item.bare, name);
      for (const item of named) {
        const first = named.find((other) => other.bare === item.bare);
        assert.equal(shown.get(item.bare), first);
      }
    }),
  );
});

test('only names that two servers have get a prefix, if that is what is wanted', () => {
  const named = [
    { bare: 'echo', catalogueName: 'a__echo' },
    { bare: 'list', catalogueName: 'a__list' },
    { bare: 'echo', catalogueName: 'b__echo' },
    { bare: 'a__echo', catalogueName: 'b__a__echo' },
  ];
  const names = [...showNames(named, 'on-collision').keys()];
  assert.deepEqual(names, ['a__echo', 'list', 'b__echo', 'b__a__echo']);
});

test('a chosen name is shown, and everything else keeps its own', () => {
  const named = [
    { bare: 'echo', catalogueName: 'a__echo' },
    { bare: 'list', catalogueName: 'a__list' },
  ];
  const shown = showNames(named, { map: { a__echo: 'say', b__gone: 'gone' } });
  assert.deepEqual([...shown.keys()], ['say', 'a__list']);
});
