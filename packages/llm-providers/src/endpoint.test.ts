import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { HostError } from '@modelhost/kernel';

import { readEndpoint, secretsOf } from './endpoint.ts';

const valid = { name: 'mock', baseUrl: 'https://example.com/v1', apiKey: 'key-1234' };

suite('the endpoint of a provider', () => {
  test('joins origin, path and headers', () => {
    const headers = { 'X-Team': 'red', Authorization: 'Basic abc' };
    const options = { ...valid, baseUrl: 'https://example.com:8443/api/v1//', headers };
    assert.deepEqual(readEndpoint(options, { authorization: 'Bearer key-1234' }), {
      origin: 'https://example.com:8443',
      path: '/api/v1',
      headers: { authorization: 'Basic abc', 'x-team': 'red' },
    });
    assert.equal(readEndpoint({ ...valid, baseUrl: 'http://localhost:11434' }, {}).path, '');
  });

  const refused: Readonly<
    Record<string, Partial<typeof valid> & { headers?: Record<string, string> }>
  > = {
    'no URL': { baseUrl: 'example' },
    'another protocol': { baseUrl: 'file:///etc/passwd' },
    'a password in the URL': { baseUrl: 'https://user:hunter2@example.com/' },
    'a key in the query': { baseUrl: 'https://example.com/?key=hunter2' },
    'an empty key': { apiKey: '' },
    'a key with a line end': { apiKey: 'hunter2\n' },
    'a key outside ASCII': { apiKey: 'hunter2é' },
    'a header name with a space': { headers: { 'x y': 'hunter2' } },
    'a header value with a line end': { headers: { 'x-a': 'hunter2\r\nx-b: 1' } },
  };
  for (const [title, change] of Object.entries(refused)) {
    test(`refuses ${title}, without showing it`, () => {
      assert.throws(
        () => readEndpoint({ ...valid, ...change }, {}),
        (error) => {
          assert.ok(error instanceof HostError && error.code === 'config_invalid');
          assert.ok(error.message.startsWith('provider mock: '));
          assert.ok(!error.message.includes('hunter2'));
          return true;
        },
      );
    });
  }

  test('keys in headers are secrets too', () => {
    const headers = { 'api-key': 'aaaa', Authorization: 'Bearer bbbb', 'x-team': 'cccc' };
    assert.deepEqual(secretsOf({ ...valid, headers }), ['key-1234', 'aaaa', 'bbbb']);
    assert.deepEqual(secretsOf({ ...valid, apiKey: undefined }), []);
  });
});
