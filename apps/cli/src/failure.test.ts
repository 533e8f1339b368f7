import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelHostError } from '@modelhost/sdk';
import { CommandError, exitCodeOf, exitCodes, readFailure } from './failure.ts';

const expected: readonly (readonly [code: string, grpcStatus: string, exitCode: number])[] = [
  ['validation_failed', 'INVALID_ARGUMENT', 2],
  ['config_invalid', 'FAILED_PRECONDITION', 3],
  ['unauthenticated', 'UNAUTHENTICATED', 4],
  ['permission_denied', 'PERMISSION_DENIED', 4],
  ['policy_violation', 'PERMISSION_DENIED', 4],
  ['not_found', 'NOT_FOUND', 5],
  ['budget_exceeded', 'RESOURCE_EXHAUSTED', 6],
  ['overloaded', 'RESOURCE_EXHAUSTED', 6],
  ['draining', 'UNAVAILABLE', 7],
  ['provider_unavailable', 'UNAVAILABLE', 7],
  ['transport', 'UNAVAILABLE', 7],
  ['a_newer_code', 'NOT_FOUND', 5],
  ['failed_precondition', 'FAILED_PRECONDITION', 1],
  ['internal', 'INTERNAL', 1],
];

test('each code of the contract has its exit code, and the status decides for a newer code', () => {
  for (const [code, grpcStatus, exitCode] of expected) {
    assert.equal(exitCodeOf(code, grpcStatus), exitCode, code);
  }
});

test('a failure says what happened, which fields, and what to do next', () => {
  const thrown = new ModelHostError('the request is wrong', {
    code: 'overloaded',
    grpcStatus: 'RESOURCE_EXHAUSTED',
    facts: {},
    violations: [{ field: 'spec.agent', description: 'is missing' }],
    retryAfterMs: 250,
  });
  assert.deepEqual(readFailure(thrown), {
    exitCode: exitCodes.limit,
    text: 'overloaded: the request is wrong\n  spec.agent: is missing\nnext: try again in 250 ms',
  });
});

test('a field that the message names already is not named twice', () => {
  const thrown = new ModelHostError('spec.agent: is missing', {
    code: 'validation_failed',
    grpcStatus: 'INVALID_ARGUMENT',
    facts: {},
    violations: [{ field: 'spec.agent', description: 'is missing' }],
    retryAfterMs: undefined,
  });
  assert.equal(
    readFailure(thrown).text,
    'validation_failed: spec.agent: is missing\nnext: correct <agent>',
  );
});

test('a field that has another name on the command line is told by that name', () => {
  const violations = ['page_size', 'name', 'page_token'].map((field) => ({
    field,
    description: 'is wrong',
  }));
  const thrown = new ModelHostError('the request is wrong', {
    code: 'validation_failed',
    grpcStatus: 'INVALID_ARGUMENT',
    facts: {},
    violations,
    retryAfterMs: undefined,
  });
  assert.match(readFailure(thrown).text, /\nnext: correct --limit and --page$/);
});

test('the remedy of a configuration that cannot be used is for the place of the problem', () => {
  const places = [
    ['127.0.0.1:7443: the host cannot listen here (EADDRINUSE)', /--set server\.port=…/],
    ['20-a.cedar:3:7: this is no Cedar policy: x; y', /mend the policy file at 20-a\.cedar:3:7$/],
    [
      'host.yaml:1:1: a.cedar: unknown key',
      /next: `model-host config schema` describes every key$/,
    ],
    ['host.yaml:1:1: servr: unknown key', /next: `model-host config schema` describes every key$/],
  ] as const;
  for (const [message, remedy] of places) {
    const thrown = new ModelHostError(message, {
      code: 'config_invalid',
      grpcStatus: 'FAILED_PRECONDITION',
      facts: {},
      violations: [],
      retryAfterMs: undefined,
    });
    const { exitCode, text } = readFailure(thrown);
    assert.equal(exitCode, exitCodes.configInvalid);
    assert.match(text, remedy);
  }
});

test('what a host that lives cannot do now is not mended by starting one', () => {
  const textOf = (code: string, reason?: string): string =>
    readFailure(
      new ModelHostError('not now', {
        code,
        grpcStatus: 'UNAVAILABLE',
        facts: reason === undefined ? {} : { reason },
        violations: [],
        retryAfterMs: undefined,
      }),
    ).text;
  assert.match(textOf('transport'), /\nnext: start a host with /);
  assert.match(textOf('storage_unavailable', 'disk_full'), /\nnext: make room where /);
  assert.match(textOf('storage_unavailable', 'corrupt'), /\nnext: `model-host storage verify` /);
  for (const code of ['storage_unavailable', 'audit_unavailable', 'a_newer_code']) {
    assert.match(textOf(code), /\nnext: `model-host health` shows what the host lacks/);
  }
});

test('a failure of the command itself has its own exit code and remedy', () => {
  assert.deepEqual(readFailure(new CommandError(exitCodes.notFound, 'no file', 'make one')), {
    exitCode: 5,
    text: 'no file\nnext: make one',
  });
});

test('a message of somebody else cannot act on the terminal', () => {
  assert.equal(readFailure(new Error('\u001B[2Jgone')).text, '\\u{1b}[2Jgone');
});

test('whatever else is thrown is a failure', () => {
  assert.deepEqual(readFailure(new TypeError('x is undefined')), {
    exitCode: 1,
    text: 'x is undefined',
  });
  assert.equal(readFailure('text').exitCode, 1);
});
