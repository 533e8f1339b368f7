import assert from 'node:assert/strict';
import test from 'node:test';
import type { Json, JsonObject } from '@modelhost/kernel';
import { guardResult } from './result-guard.ts';
import type { ResultBounds } from './result-guard.ts';

interface Guarded {
  readonly guard: (result: JsonObject, changes?: Partial<ResultBounds>) => void;
  readonly messages: readonly string[];
}

function startGuard(): Guarded {
  const messages: string[] = [];
  const bounds = {
    server: 'a',
    tool: 'a__x',
    textMax: 1_000,
    log: (m: string) => messages.push(m),
  };
  return { guard: (result, changes) => guardResult(result, { ...bounds, ...changes }), messages };
}

function nested(levels: number): Json {
  let value: Json = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { x: value };
  return value;
}

const facts = { server: 'a', tool: 'a__x', sent: 'true' };

test('a result of any shape within the bounds passes', () => {
  const { guard, messages } = startGuard();
  guard({});
  guard({ content: [{ type: 'text', text: 'x'.repeat(980) }] });
  guard({ structuredContent: nested(63) });
  assert.deepEqual(messages, []);
});

test('one that is nested too deeply is refused, without a stack that could be exhausted', () => {
  const { guard } = startGuard();
  for (const levels of [65, 200_000]) {
    assert.throws(() => guard({ structuredContent: nested(levels) }), {
      code: 'mcp_protocol_error',
      message: 'a__x: its result is nested deeper than 64',
      facts,
    });
  }
});

test('one of too much text, in values or in names, or of too many parts is refused', () => {
  const { guard } = startGuard();
  const tooLarge = { code: 'mcp_result_too_large', facts };
  assert.throws(() => guard({ content: ['x'.repeat(600), 'x'.repeat(600)] }), tooLarge);
  assert.throws(() => guard({ ['x'.repeat(1_001)]: 1 }), tooLarge);
  assert.throws(() => guard({ content: Array.from({ length: 300_000 }, () => 0) }), tooLarge);
  assert.throws(() => guard({ content: [1, 2, 3] }, { partsMax: 3 }), tooLarge);
});

test('a misfit with the output schema is told or refused, as the operator says', () => {
  const { guard, messages } = startGuard();
  const check: NonNullable<ResultBounds['output']>['check'] = () => [
    { field: 'a', description: 'is missing' },
    { field: 'b', description: 'is no number' },
  ];
  guard({}, { output: { check, onMisfit: 'warn' } });
  const message = 'its result does not fit its output schema: a is missing; b is no number';
  assert.deepEqual(messages, [`a__x: ${message}`]);
  assert.throws(() => guard({}, { output: { check, onMisfit: 'deny' } }), {
    code: 'mcp_protocol_error',
    message: `a__x: ${message}`,
    facts,
  });
  guard({}, { output: { check: () => [], onMisfit: 'deny' } });
  assert.equal(messages.length, 1);
});
