import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCedar } from '../cedar-runtime.ts';
import { cedarVersion } from './cedar-version.ts';

test('bundles are judged by the version of Cedar that decides', () => {
  assert.equal(loadCedar().getCedarSDKVersion(), cedarVersion);
});
