import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readAuthorizationCallback } from './authorization-callback.ts';
import { CommandError, exitCodes } from './failure.ts';

test('what the authorization server put into the address is read as it was', () => {
  const text = fc.string({ minLength: 1, unit: 'grapheme' });
  fc.assert(
    fc.property(text, text, fc.option(text, { nil: undefined }), (state, code, iss) => {
      const address = new URL('http://127.0.0.1:9/callback?more=1');
      address.searchParams.set('state', state);
      address.searchParams.set('code', code);
      if (iss !== undefined) address.searchParams.set('iss', iss);
      const expected = { state, code, ...(iss === undefined ? {} : { iss }) };
      assert.deepEqual(readAuthorizationCallback(` ${address.href}\n`), expected);
    }),
  );
});

function refusal(exitCode: number, message: RegExp): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof CommandError);
    assert.equal(thrown.exitCode, exitCode);
    assert.match(thrown.message, message);
    return true;
  };
}

test('an address that says no is one, with the reason', () => {
  const address = 'https://a.example/cb?error=access_denied&error_description=not%20today&state=s';
  assert.throws(
    () => readAuthorizationCallback(address),
    refusal(exitCodes.denied, /says no: access_denied: not today$/),
  );
});

test('anything else is not the address that was asked for', () => {
  for (const text of ['', 'code', 'https://a.example/cb', 'https://a.example/cb?code=c']) {
    assert.throws(() => readAuthorizationCallback(text), refusal(exitCodes.usage, /^this /));
  }
});
