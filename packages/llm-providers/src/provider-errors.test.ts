import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { toErrorData } from '@modelhost/kernel';
import type { ErrorCode } from '@modelhost/kernel';
import fc from 'fast-check';

import { createProviderErrors } from './provider-errors.ts';

const key = 'Zq7Rk2Vw9Xy4Bn6Mt1Lp8';
const errors = createProviderErrors({ provider: 'mock', secrets: [key] });

function http(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return toErrorData(errors.fromHttp({ status, header: (name) => headers[name], body: text }));
}

suite('errors of a provider', () => {
  const statuses: readonly (readonly [number, ErrorCode])[] = [
    [301, 'provider_invalid_response'],
    [400, 'provider_rejected'],
    [401, 'provider_unauthorized'],
    [402, 'provider_rejected'],
    [403, 'provider_unauthorized'],
    [404, 'provider_rejected'],
    [408, 'provider_unavailable'],
    [413, 'provider_rejected'],
    [422, 'provider_rejected'],
    [429, 'provider_rate_limited'],
    [500, 'provider_unavailable'],
    [503, 'provider_unavailable'],
    [529, 'provider_unavailable'],
  ];
  for (const [status, code] of statuses) {
    test(`HTTP ${status} is ${code}`, () => {
      assert.deepEqual(http(status, ''), {
        code,
        message: `mock: HTTP ${status}`,
        facts: { provider: 'mock', status: String(status) },
      });
    });
  }

  const shapes: readonly (readonly [string, unknown, string])[] = [
    ['OpenAI', { error: { message: 'no', type: 't', code: null } }, 'no'],
    ['Anthropic', { type: 'error', error: { type: 't', message: 'no' } }, 'no'],
    ['Gemini in a list', [{ error: { code: 400, message: 'no', status: 't' } }], 'no'],
    ['OpenRouter', { error: { message: 'no', metadata: { raw: 'because' } } }, 'no: because'],
    ['an error that is a text', { error: 'no' }, 'no'],
    ['a message alone', { message: 'no' }, 'no'],
    ['a detail', { detail: 'no' }, 'no'],
    ['a list of errors', { errors: [{ message: 'no' }] }, 'no'],
    [
      'Mistral',
      { object: 'error', message: { detail: [{ loc: ['body', 'seed'], msg: 'forbidden' }] } },
      'body.seed: forbidden',
    ],
    ['a JSON text', '"no"', 'no'],
    ['plain text over lines', 'not\n  today\u0000', 'not today'],
    ['a web page', '<html><head><title>502 Bad Gateway</title></head>…', '502 Bad Gateway'],
    ['a page without title', '<html></html>', 'HTTP 500'],
    ['an unknown shape', { a: 1 }, 'HTTP 500'],
    ['a number', '5', 'HTTP 500'],
  ];
  for (const [title, body, message] of shapes) {
    test(`the message is found in the shape of ${title}`, () => {
      assert.equal(http(500, body).message, `mock: ${message}`);
    });
  }

  test('a wrong key that Gemini reports with 400, and an account without money, are told apart', () => {
    const details = [
      { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' },
    ];
    assert.equal(http(400, { error: { code: 400, details } }).code, 'provider_unauthorized');
    const quota = http(429, { error: { code: 'insufficient_quota', message: 'pay' } });
    assert.equal(quota.code, 'provider_rejected');
    assert.equal(quota.retryAfterMs, undefined);
  });

  test('retry advice comes from headers, RetryInfo and the text, for what may pass', () => {
    assert.equal(http(429, '', { 'retry-after': '3' }).retryAfterMs, 3_000);
    assert.equal(http(503, '', { 'retry-after': '3' }).retryAfterMs, 3_000);
    assert.equal(http(400, '', { 'retry-after': '3' }).retryAfterMs, undefined);
    const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.5s' }];
    assert.equal(http(429, { error: { details } }).retryAfterMs, 34_500);
    for (const [text, expected] of [
      ['Please try again in 6m0s.', 360_000],
      ['Please try again in 1.2s. Visit us', 1_200],
      ['Try again in 20ms', 20],
      ['Please retry after 30 seconds', 30_000],
      ['Please retry shortly', undefined],
    ] as const) {
      assert.equal(http(429, { error: { message: text } }).retryAfterMs, expected, text);
    }
  });

  const events: readonly (readonly [unknown, ErrorCode, string | undefined])[] = [
    [{ type: 'overloaded_error', message: 'x' }, 'provider_unavailable', undefined],
    [{ type: 'rate_limit_error', message: 'x' }, 'provider_rate_limited', undefined],
    [{ type: 'invalid_request_error', message: 'x' }, 'provider_rejected', undefined],
    [{ type: 'authentication_error', message: 'x' }, 'provider_unauthorized', undefined],
    [{ code: 'rate_limit_exceeded', message: 'x' }, 'provider_rate_limited', undefined],
    [{ code: 'server_error', message: 'x' }, 'provider_unavailable', undefined],
    [{ code: 502, message: 'x' }, 'provider_unavailable', '502'],
    [{ status_code: 400, message: 'x' }, 'provider_rejected', '400'],
    [{ code: 429, status: 'RESOURCE_EXHAUSTED', message: 'x' }, 'provider_rate_limited', '429'],
    [{}, 'provider_unavailable', undefined],
  ];
  test('an error inside a stream is known by its words or by the status it names', () => {
    for (const [error, code, status] of events) {
      const data = toErrorData(errors.fromEvent({ error: error as never }));
      assert.deepEqual([data.code, data.facts['status']], [code, status], JSON.stringify(error));
    }
  });

  const tooLong: readonly (readonly [string, number, unknown])[] = [
    ['OpenAI', 400, { error: { message: 'no', code: 'context_length_exceeded' } }],
    [
      'Anthropic',
      400,
      {
        error: {
          type: 'invalid_request_error',
          message: 'prompt is too long: 210000 tokens > 200000 maximum',
        },
      },
    ],
    ['Anthropic by its bytes', 413, { error: { type: 'request_too_large', message: 'no' } }],
    [
      'Gemini',
      400,
      {
        error: {
          status: 'INVALID_ARGUMENT',
          message:
            'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
        },
      },
    ],
    ['llama.cpp', 400, { error: { code: 400, type: 'exceed_context_size_error', message: 'no' } }],
    ['vLLM', 400, { message: "This model's maximum context length is 4096 tokens." }],
  ];
  for (const [title, status, body] of tooLong) {
    test(`a request that is too long for its model is known in the words of ${title}`, () => {
      const { code, facts } = http(status, body);
      assert.deepEqual([code, facts['reason']], ['provider_rejected', 'context_length']);
    });
  }

  test('what else is rejected, or is too much for now, is not taken for a request that is too long', () => {
    const quota = { error: { message: 'input token count exceeds your quota' } };
    assert.equal(http(429, quota).facts['reason'], undefined);
    assert.equal(http(400, { error: { message: 'unknown model' } }).facts['reason'], undefined);
    const { code, facts } = toErrorData(
      errors.fromEvent({ error: { message: 'no', code: 'context_length_exceeded' } }),
    );
    assert.deepEqual([code, facts['reason']], ['provider_rejected', 'context_length']);
  });

  test('the message is bounded', () => {
    const { message } = http(500, 'long '.repeat(100_000));
    assert.ok(message.length <= 1_010 && message.endsWith('…'));
    assert.ok(http(500, 'x'.repeat(100_000)).message.length <= 1_010);
  });

  test('no message and no fact shows the key, wherever the provider puts it', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 2_500 }),
        fc.string({ maxLength: 20 }),
        fc.constantFrom('message', 'type', 'code', 'status', 'raw', 'text'),
        (before, after, place) => {
          const said = `${before}${key}${after}`;
          const body =
            place === 'text'
              ? said
              : { error: { message: 'm', [place]: said, metadata: { raw: said } } };
          const shown = JSON.stringify(http(401, body));
          for (let at = 0; at + 8 <= key.length; at += 1) {
            assert.ok(!shown.includes(key.slice(at, at + 8)), shown);
          }
        },
      ),
    );
  });
});
