import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToolDefinition } from '@modelhost/kernel';
import { createRunCalls } from './run-calls.ts';

function toolOf(name: string): ToolDefinition {
  return {
    name,
    description: '',
    inputSchema: {},
    effect: 'none',
    integrity: 'trusted',
    decisionArguments: [],
    server: 'desk',
    serverTool: name,
    executor: 'host',
  };
}

test('no tool that a run has used is forgotten, however many come before it', () => {
  const calls = createRunCalls();
  const names = Array.from({ length: 200 }, (_, index) => `desk__${1000 + index}`);
  for (const name of [...names.toReversed(), 'payroll__read'])
    calls.begin(toolOf(name), {}, false)();
  assert.deepEqual(calls.plainHistory().toolsUsed, [...names, 'payroll__read']);
});
