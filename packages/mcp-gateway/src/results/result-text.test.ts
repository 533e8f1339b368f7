import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '@modelhost/kernel';
import { textOfResult, toToolAnswer } from './result-text.ts';

const texts = fc.string({ unit: 'binary', maxLength: 200 });

test('a result is cut at the cap, between characters, and only if it is longer', async () => {
  await fc.assert(
    fc.asyncProperty(texts, fc.nat({ max: 300 }), async (text, bytesMax) => {
      const wellFormed = text.toWellFormed();
      const answer = await toToolAnswer({ content: [{ type: 'text', text }] }, { bytesMax });
      assert.ok(Buffer.byteLength(answer.content) <= bytesMax);
      assert.ok(wellFormed.startsWith(answer.content));
      assert.equal(answer.isTruncated, answer.content !== wellFormed);
      // At most the rest of one character is left unused.
      if (answer.isTruncated) assert.ok(Buffer.byteLength(answer.content) > bytesMax - 4);
    }),
  );
});

test('a text that was cut names where the rest is and where to go on, within the cap', async () => {
  await fc.assert(
    fc.asyncProperty(texts, fc.nat({ max: 300 }), async (text, bytesMax) => {
      const kept: string[] = [];
      const spill = (content: string): string => {
        kept.push(content);
        return 'result://1';
      };
      const answer = await toToolAnswer({ content: [{ type: 'text', text }] }, { bytesMax, spill });
      assert.ok(Buffer.byteLength(answer.content) <= bytesMax);
      assert.deepEqual(kept, answer.isTruncated ? [text] : []);
      const line =
        /\n\[cut after (\d+) of (\d+) bytes; the rest is in result:\/\/1 from offset \1\]$/;
      const [whole, bytes, bytesTotal] = line.exec(answer.content) ?? [];
      if (whole === undefined) return;
      const wellFormed = Buffer.from(text.toWellFormed());
      assert.equal(Number(bytesTotal), wellFormed.length);
      const given = answer.content.slice(0, -whole.length);
      assert.equal(given + wellFormed.toString('utf8', Number(bytes)), text.toWellFormed());
    }),
  );
  const long = { content: [{ type: 'text', text: 'x'.repeat(1_000) }] };
  const { content } = await toToolAnswer(long, { bytesMax: 100, spill: () => 'result://1' });
  assert.equal(
    content.endsWith('\n[cut after 25 of 1000 bytes; the rest is in result://1 from offset 25]'),
    true,
    content,
  );
  // There is no room for a handle that is not given.
  const unkept = await toToolAnswer(long, { bytesMax: 100, spill: () => undefined });
  assert.equal(unkept.content, 'x'.repeat(100));
});

test('what is no text is described in a line', () => {
  const result = {
    content: [
      { type: 'image', mimeType: 'image/png\n\u202E', data: 'AAAA' },
      { type: 'audio', mimeType: 'audio/wav', data: 'AAA=' },
      { type: 'resource', resource: { uri: 'x://y', text: 'é' } },
      { type: 'resource', resource: { uri: 'x://z', mimeType: 'a/b', blob: 'AA==' } },
      { type: 'resource_link', uri: `x://${'y'.repeat(300)}`, name: 'n' },
    ],
  };
  assert.deepEqual(textOfResult(result).split('\n'), [
    '[image image/png , 3 bytes]',
    '[audio audio/wav, 2 bytes]',
    '[resource x://y of unknown type, 2 bytes]',
    '[resource x://z a/b, 1 bytes]',
    `[resource link x://${'y'.repeat(196)} n]`,
  ]);
});

test('structured content stands in for a text that is not there, and anything unknown is told', () => {
  assert.equal(textOfResult({ content: [], structuredContent: [1, null] }), '[1,null]');
  assert.equal(textOfResult({ content: [], structuredContent: false }), 'false');
  const both = { content: [{ type: 'text', text: 'x' }], structuredContent: { x: 1 } };
  assert.equal(textOfResult(both), 'x');
  const strange = [{ type: 'constructor' }, { type: 'text', text: 7 }, {}, null, 7, [], 'text'];
  const unknown = '[content of unknown type]';
  assert.deepEqual(textOfResult({ content: strange }).split('\n'), [
    unknown,
    '',
    ...Array.from({ length: 5 }, () => unknown),
  ]);
  assert.equal(textOfResult({ content: { type: 'text' } }), '');
  assert.equal(textOfResult({}), '');
});

test('only a tool that says so has failed', async () => {
  const failed = async (result: JsonObject): Promise<boolean> => {
    const { isError } = await toToolAnswer({ content: [], ...result }, { bytesMax: 9 });
    return isError;
  };
  assert.equal(await failed({ isError: true }), true);
  assert.equal(await failed({ isError: 'true' }), false);
  assert.equal(await failed({}), false);
});

test('what is cut is hidden first, and so is what is kept of it', async () => {
  const kept: string[] = [];
  const hide = (text: string): string => text.replaceAll('secret', '-');
  const hiding = { text: hide, long: async (text: string, tenant: string) => hide(text) + tenant };
  const text = `${'x'.repeat(97)}secret`;
  const options = { bytesMax: 100, hiding, tenant: 'acme' };
  const spill = (content: string): undefined => void kept.push(content);
  const { content } = await toToolAnswer(
    { content: [{ type: 'text', text }] },
    { ...options, spill },
  );
  assert.deepEqual([content, kept], [`${'x'.repeat(97)}-ac`, [`${'x'.repeat(97)}-acme`]]);
  // What is within the bound is hidden by whoever gets it.
  const short = await toToolAnswer({ content: [{ type: 'text', text: 'secret' }] }, options);
  assert.equal(short.content, 'secret');
  const link = { type: 'resource_link', uri: `${'x'.repeat(197)}secret`, name: 'secret' };
  const linked = await toToolAnswer({ content: [link] }, { ...options, bytesMax: 1_000 });
  assert.equal(linked.content, `[resource link ${'x'.repeat(197)}- secret]`);
});
