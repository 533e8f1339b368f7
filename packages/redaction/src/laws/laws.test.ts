import { test } from 'node:test';
import fc from 'fast-check';
import { allIn, simpleDetectors } from '../fixtures/texts.ts';
import { createLaws } from './laws.ts';

for (const { name, property } of createLaws(simpleDetectors, Object.keys(allIn('token')))) {
  test(`what is streamed in ${name} is what the whole is, in every style (law L4)`, () => {
    fc.assert(property, { numRuns: 700 });
  });
}
