import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '@modelhost/kernel';
import fc from 'fast-check';
import type { InputRequest } from '../relay.ts';
import { splitRoots, withoutRoots, withRoots } from './roots.ts';

const rootsResult = { roots: [{ uri: 'file:///srv', name: 'srv' }] };
const question: InputRequest = { method: 'elicitation/create', params: { message: 'Who?' } };
const forRoots: InputRequest = { method: 'roots/list', params: {} };

const key = fc.string({ minLength: 1 }).filter((name) => name !== '__proto__');
const requests = fc.dictionary(key, fc.constantFrom(question, forRoots));
const state = fc.option(fc.string(), { nil: undefined });

test('what goes out and comes back has its roots answered and its own state again', () => {
  fc.assert(
    fc.property(requests, state, (inputRequests, requestState) => {
      const outcome = { kind: 'input-required', inputRequests, requestState } as const;
      const rest = withoutRoots(outcome);
      const { rootsKeys } = splitRoots(inputRequests);
      assert.ok(Object.values(rest.inputRequests).every(({ method }) => method !== 'roots/list'));
      const given = Object.fromEntries(
        Object.keys(rest.inputRequests).map((name) => [name, { action: 'decline' }]),
      );
      const params: JsonObject = {
        name: 'act',
        inputResponses: given,
        ...(rest.requestState === undefined ? {} : { requestState: rest.requestState }),
      };
      const back = withRoots(params, rootsResult);
      assert.equal(back['requestState'], requestState);
      assert.deepEqual(back['inputResponses'], {
        ...given,
        ...Object.fromEntries(rootsKeys.map((name) => [name, rootsResult])),
      });
    }),
  );
});

test('a state of ours that somebody changed is left to the server to refuse', () => {
  for (const text of ['', '{', '5', '{}', '{"rootsKeys":5}', '{"rootsKeys":[],"requestState":5}']) {
    const params = { requestState: `modelhost-roots:${text}` };
    assert.equal(withRoots(params, rootsResult), params);
  }
  const others = { requestState: 'its own' };
  assert.equal(withRoots(others, rootsResult), others);
});
