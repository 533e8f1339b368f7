import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Json } from '@modelhost/kernel';
import type { Detectors } from '../detectors.ts';
import type { Finding } from '../finding.ts';
import { escapeSome, values } from '../fixtures/json.ts';
import { keys } from '../fixtures/keys.ts';
import { allStyles, chunkSizes, cut, texts } from '../fixtures/texts.ts';
import { createJsonRedaction } from '../stream/json-stream.ts';
import { redactJson } from '../stream/json-value.ts';
import { createRedactor, type RedactionStream, type Redactor } from '../stream/redactor.ts';
import type { Styles } from '../styles/style.ts';
import { createVault } from '../vault/vault.ts';

/** Something that holds for every text and every way to cut it. */
export interface Law {
  readonly name: string;
  readonly property: fc.IProperty<unknown[]>;
}

/** A style; `vault` is the style token with placeholders that can be restored. */
export type StyleName = (typeof allStyles)[number] | 'vault';

/** Every style, and placeholders. */
export const styleNames: readonly StyleName[] = [...allStyles, 'vault'];

/** Law L4 in all its forms, for these detectors, hidden in any of the styles. */
export function createLaws(
  detectors: Detectors,
  names: readonly string[],
  chosen: readonly StyleName[] = styleNames,
): readonly Law[] {
  const anyStyle = fc.constantFrom(...chosen);
  const stylesOf = (style: StyleName): Styles =>
    Object.fromEntries(names.map((name) => [name, style === 'vault' ? 'placeholder' : style]));
  const shared = new Map(allStyles.map((style) => [style, make(style)]));

  function make(style: StyleName): Redactor {
    const styles = stylesOf(style);
    const vault = style === 'vault' ? createVault({ keys, context: 'law' }) : undefined;
    return createRedactor({ detectors, styles, hashKey: 'law', ...(vault && { vault }) });
  }

  // A vault remembers, so it gets a redactor of its own each time.
  function redactorOf(style: StyleName): Redactor {
    return style === 'vault' ? make(style) : (shared.get(style) ?? make(style));
  }

  return [
    {
      name: 'chunks of UTF-16 units',
      property: fc.property(texts, chunkSizes, anyStyle, (text, sizes, style) => {
        const whole = redactorOf(style).redact(text);
        const findings: Finding[] = [];
        const stream = redactorOf(style).stream({ onFinding: (found) => findings.push(found) });
        assert.equal(pushAll(stream, cut(text, sizes)), whole.text);
        assert.deepEqual(findings, whole.findings);
      }),
    },
    {
      name: 'chunks of bytes',
      property: fc.property(texts, chunkSizes, anyStyle, (text, sizes, style) => {
        const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
        const chunks = cut(Buffer.from(text), sizes).map((bytes) =>
          decoder.decode(bytes, { stream: true }),
        );
        const streamed = pushAll(redactorOf(style).stream(), [...chunks, decoder.decode()]);
        assert.equal(streamed, redactorOf(style).redact(text.toWellFormed()).text);
      }),
    },
    {
      name: 'chunks of escaped JSON',
      property: fc.property(
        fc.tuple(values, fc.nat(), fc.constantFrom(0, 2)),
        chunkSizes,
        anyStyle,
        ([value, seed, space], sizes, style) => {
          const json = escapeSome(JSON.stringify(value, null, space), seed);
          const streamed = pushAll(createJsonRedaction(redactorOf(style)), cut(json, sizes));
          // Both texts are JSON; no key of them is from outside.
          const parse = (text: string): Json => JSON.parse(text) as Json; // oxlint-disable-line no-restricted-properties
          assert.deepEqual(parse(streamed), redactJson(redactorOf(style), parse(json)));
        },
      ),
    },
  ];
}

function pushAll(stream: RedactionStream, chunks: readonly string[]): string {
  return chunks.map((chunk) => stream.push(chunk)).join('') + stream.end();
}
