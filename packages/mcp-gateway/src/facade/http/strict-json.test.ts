import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readStrictJson } from './strict-json.ts';

const bounds = { bytesMax: 100_000, depthMax: 32 };

function read(text: string): ReturnType<typeof readStrictJson> {
  return readStrictJson(Buffer.from(text), bounds);
}

function reasonFor(text: string | Uint8Array): string {
  const json = typeof text === 'string' ? read(text) : readStrictJson(text, bounds);
  return json.kind === 'refused' ? json.reason : 'taken';
}

/** Reads JSON slowly, without the parser of the engine for anything but single words. */
function readSlowly(text: string): { readonly value: unknown; readonly hasTwin: boolean } {
  let at = 0;
  let hasTwin = false;
  const space = (): void => {
    while (/\s/.test(text[at] ?? '')) at += 1;
  };
  const string = (): string => {
    const from = at;
    for (at += 1; text[at] !== '"'; at += text[at] === '\\' ? 2 : 1);
    at += 1;
    return JSON.parse(text.slice(from, at)) as string;
  };
  const items = (end: string, item: () => void): void => {
    at += 1;
    for (space(); text[at] !== end; space()) {
      if (text[at] === ',') at += 1;
      item();
    }
    at += 1;
  };
  const object = (): unknown => {
    const members = new Map<string, unknown>();
    items('}', () => {
      space();
      const key = string();
      hasTwin ||= members.has(key);
      space();
      at += 1;
      members.set(key, value());
    });
    return Object.fromEntries(members);
  };
  const value = (): unknown => {
    space();
    if (text[at] === '{') return object();
    if (text[at] === '"') return string();
    if (text[at] === '[') {
      const list: unknown[] = [];
      items(']', () => list.push(value()));
      return list;
    }
    const from = at;
    while (at < text.length && !/[\s,\]}]/.test(text[at] ?? '')) at += 1;
    return JSON.parse(text.slice(from, at)) as unknown;
  };
  return { value: value(), hasTwin };
}

/** A JSON text whose objects may have a key twice, in its own spelling. */
const looseJson: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      fc.constantFrom('0', '-1.5e3', 'true', 'null', '"a:b"', '"\\"{:"', '"\\\\"', '"é\\u00e9"'),
      fc.string().map((text) => JSON.stringify(text)),
    ),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(' , ')}]`),
    tie('object'),
  ),
  object: fc
    .array(
      fc.tuple(
        fc.oneof(
          fc.constantFrom('"a"', '"b"', '"\\u0061"', '"a:"', '"{"', '"\\\\"', '"\\""'),
          fc.string({ maxLength: 3 }).map((key) => JSON.stringify(key)),
        ),
        tie('value'),
      ),
      { maxLength: 4 },
    )
    .map((members) => `{${members.map(([key, value]) => `${key}: ${value}`).join(', ')}}`),
})).object;

test('what is taken is what a slow parser reads, and no key comes twice in it', () => {
  let taken = 0;
  fc.assert(
    fc.property(looseJson, (text) => {
      const json = read(text);
      if (json.kind === 'refused') return;
      taken += 1;
      const { value, hasTwin } = readSlowly(text);
      assert.deepEqual(json.message, value);
      assert.equal(hasTwin, false);
      // The engine's parser is an oracle for texts without escapes; see `parseJsonText`.
      if (!text.includes('\\')) assert.deepEqual(json.message, JSON.parse(text));
    }),
    { numRuns: 2_000 },
  );
  assert.ok(taken > 200, `only ${taken} texts were taken`);
});

test('no message changes how the keys of another one are read', () => {
  // The engine's own parser reads the second of each pair wrongly once it has seen the first.
  const pairs = [
    ['{"params":{"x":0,"\\\\":0}}', '{"params":{"x":0,"\\"":1}}'],
    ['{"params":{"x":0,"\\\\u00":0}}', '{"params":{"x":0,"\\u00fcber":1}}'],
    ['{"params":{"x":0,"na\\\\u":0}}', '{"params":{"x":0,"na\\u006d\\u0065":1}}'],
  ] as const;
  for (const [poison, victim] of pairs) {
    for (let time = 0; time < 3; time += 1) assert.equal(reasonFor(poison), 'taken');
    const json = read(victim);
    assert.ok(json.kind === 'message');
    assert.deepEqual(json.message, readSlowly(victim).value);
  }
});

test('abuse A6: a key that comes twice is refused, however it is spelled and wherever it is', () => {
  fc.assert(
    fc.property(looseJson, (text) => {
      if (readSlowly(text).hasTwin) assert.equal(reasonFor(text), 'a key comes twice in an object');
    }),
    { numRuns: 2_000 },
  );
  const twins = [
    '{"method":"tools/list","method":"tools/call"}',
    '{"params":{"name":"safe","n\\u0061me":"unsafe"}}',
    '{"params":{"arguments":{"list":[{"path":"a","path":"b"}]}}}',
  ];
  for (const text of twins) assert.equal(reasonFor(text), 'a key comes twice in an object');
});

test('abuse A6: a member of the protocol in other letters is refused; arguments of tools are free', () => {
  const variants = [
    '{"Method":"tools/call"}',
    '{"method":"tools/call","METHOD":"tools/list"}',
    '{"params":{"name":"a","Name":"b"}}',
    '{"params":{"Arguments":{}}}',
    '{"param\\u017f":{}}',
    '{"params":{"to\\u212aen":1,"progressTo\\u212aen":1}}',
    '{"params":{"_meta":{"ProgressToken":1}}}',
    '{"params":{"_meta":{"io.modelcontextprotocol/protocolversion":"2026-07-28"}}}',
    '{"params":{"ref":{"URI":"x"}}}',
    '{"id":1,"result":{"Action":"accept"}}',
  ];
  for (const text of variants) {
    assert.equal(reasonFor(text), 'a member of the protocol is written in other letters', text);
  }
  assert.equal(reasonFor('{"params":{"name":"a","arguments":{"Name":"b","name":"c"}}}'), 'taken');
  assert.equal(reasonFor('{"params":{"nameless":1,"my_meta":2}}'), 'taken');
});

test('abuse A6: keys that reach for prototypes are refused at every level', () => {
  for (const wrap of [(text: string) => text, (text: string) => `{"params":{"a":[${text}]}}`]) {
    assert.match(reasonFor(wrap('{"__proto__":{"isAdmin":true}}')), /__proto__/);
    assert.match(reasonFor(wrap('{"__proto__":1}')), /__proto__/);
    assert.match(reasonFor(wrap('{"\\u005f_proto__":1}')), /__proto__/);
    assert.match(reasonFor(wrap('{"constructor":{"prototype":{}}}')), /constructor/);
    // A word like any other: some races are won by constructors.
    assert.equal(reasonFor(wrap('{"constructor":"ferrari"}')), 'taken');
  }
});

test('a number that would be forwarded as another value is refused', () => {
  assert.match(reasonFor('{"params":{"arguments":{"amount":1e999}}}'), /number/);
  assert.equal(reasonFor('{"params":{"arguments":{"amount":1e300}}}'), 'taken');
});

test('what is not one UTF-8 JSON object within its bounds is refused', () => {
  const cases: readonly (readonly [string | Uint8Array, RegExp])[] = [
    ['', /JSON/],
    ['{', /JSON/],
    ['{"a":1}x', /JSON/],
    ['\ufeff{}', /JSON/],
    ["{'a':1}", /JSON/],
    ['[]', /batches/],
    ['[{"jsonrpc":"2.0","method":"ping","id":1}]', /batches/],
    ['"text"', /object/],
    ['null', /object/],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /UTF-8/],
    // A surrogate in UTF-8, and a slash in two bytes where one is right.
    [Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]), /UTF-8/],
    [Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d]), /UTF-8/],
    [`{"a":${'['.repeat(40)}${']'.repeat(40)}}`, /levels/],
    ['['.repeat(90_000), /levels/],
    [`{"a":"${'x'.repeat(100_000)}"}`, /bytes/],
  ];
  for (const [text, reason] of cases) assert.match(reasonFor(text), reason);
  assert.equal(reasonFor('{"lone":"\\ud800"}'), 'taken');
  assert.equal(reasonFor(`{"a":"${'['.repeat(100)}"}`), 'taken');
});

test('refusals have the codes of JSON-RPC', () => {
  const codes = ['{', '[]', '{"a":1,"a":2}'].map((text) => {
    const json = read(text);
    return json.kind === 'refused' ? json.code : 0;
  });
  assert.deepEqual(codes, [-32_700, -32_600, -32_600]);
});
