import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRequestGuard } from './request-guard.ts';

const allowedHosts = ['gateway.example.com', 'only-here:1'];
const allowedOrigins = ['https://console.example.com'];

test('the name that is listened on is allowed once there is one', () => {
  let ownHost = '';
  const guard = createRequestGuard({ allowedHosts, allowedOrigins, ownHost: () => ownHost });
  const isAllowed = (host: string): boolean => guard({ host }) === undefined;
  assert.deepEqual([isAllowed('10.1.2.3:7444'), isAllowed('')], [false, false]);
  ownHost = '10.1.2.3';
  assert.deepEqual([isAllowed('10.1.2.3:7444'), isAllowed('10.1.2.30')], [true, false]);
  ownHost = '[fd00::1]';
  assert.deepEqual([isAllowed('[FD00::1]:7444'), isAllowed('fd00::1')], [true, false]);
});

test('abuse A11: whatever is put around an allowed name, only the name itself is allowed', () => {
  const guard = createRequestGuard({ allowedHosts, allowedOrigins, ownHost: () => '' });
  const name = fc.constantFrom('localhost', '127.0.0.1', '[::1]', 'gateway.example.com');
  const around = fc.string({
    unit: fc.constantFrom(...'.:@/#? ,a1-[]%\t'.split('')),
    maxLength: 4,
  });
  fc.assert(
    fc.property(around, name, around, (before, allowed, after) => {
      const host = before + allowed + after;
      const isRight = before === '' && /^(?::\d{1,5})?$/.test(after);
      assert.equal(guard({ host }) === undefined, isRight, host);
      const origin = `https://console.example.com${after}`;
      assert.equal(guard({ host: allowed, origin }) === undefined, after === '', origin);
    }),
    { numRuns: 2_000 },
  );
});
