import assert from 'node:assert/strict';
import test from 'node:test';
import { showText } from '@modelhost/shown-text';
import { assertWithin, cpuMsOf, withSlack } from '@modelhost/timing';
import { toToolAnswer } from '../results/result-text.ts';
import { cleanJson } from './clean-json.ts';
import { hostileTexts } from './fixtures/hostile-texts.ts';
import { spec, startCatalogues, tool } from './fixtures/start-catalogues.ts';
import { readListedTools } from './listed-tools.ts';
import { diffDefinitions } from './pin-diff.ts';
import { scanDefinition, scanForNames } from './warning-scan.ts';

const ci = process.env['CI'];

test('abuse A12: nothing that a server can write holds the event loop for 50 ms', async (t) => {
  const steps: readonly (readonly [string, (text: string) => void])[] = [
    ['read', (text) => readListedTools('a', [{ name: text.slice(0, 256), description: text }])],
    ['clean', (text) => cleanJson({ description: text })],
    ['show', (text) => showText(text)],
    ['scan', (text) => scanDefinition({ description: text })],
    ['names', (text) => scanForNames({ description: text }, new Set(['a_b']))],
    ['diff', (text) => diffDefinitions({ description: text }, { description: `x${text}x` })],
    [
      'label',
      (text) => toToolAnswer({ content: [{ type: 'image', mimeType: text }] }, { bytesMax: 9 }),
    ],
  ];
  // As long as a definition may be.
  const texts = hostileTexts(130_000);
  for (const [name, step] of steps) {
    // What is slow only the first time is the compiler.
    for (const text of texts) step(text);
    t.diagnostic(name);
    await assertWithin(t, withSlack(50, ci), () =>
      Math.max(...texts.map((text) => cpuMsOf(() => step(text)))),
    );
  }
});

test('the catalogue of 500 tools costs next to nothing to look at', async (t) => {
  const { catalogues, list } = startCatalogues([spec('a')]);
  const names = Array.from({ length: 500 }, (_, index) => `tool_${index}`);
  await list(
    'a',
    names.map((name) => tool(name)),
  );
  await assertWithin(t, withSlack(500, ci), () =>
    cpuMsOf(() => {
      for (let look = 0; look < 10_000; look += 1) {
        assert.equal(catalogues.relayCatalogue('acme').tools.length, 500);
        assert.equal(catalogues.toolFor('acme', 'a__tool_7').definition.server, 'a');
      }
    }),
  );
});
