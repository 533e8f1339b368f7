import assert from 'node:assert/strict';
import test from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { OutboundFetch } from '../outbound/outbound-fetch.ts';
import { createOAuthFetch } from './oauth-fetch.ts';

const serverUrl = 'http://notes.example/mcp';

test('OAuth goes over TLS, but for this machine and what a server says about itself', async () => {
  const asked: string[] = [];
  const outbound: OutboundFetch = Object.assign(
    async (url: string | URL) => {
      asked.push(String(url));
      return new Response();
    },
    {
      request: () => Promise.reject(new Error('unused')),
      check: async () => {},
      close: async () => {},
    },
  );
  const oauthFetch = createOAuthFetch('notes', serverUrl, outbound);
  const post = { method: 'POST' };
  await oauthFetch('https://sso.example/token', post);
  await oauthFetch('http://localhost:8080/token', post);
  await oauthFetch('http://127.0.0.1/token', post);
  await oauthFetch('http://[::1]/token', post);
  await oauthFetch('http://notes.example/.well-known/oauth-protected-resource/mcp');
  assert.equal(asked.length, 5);

  for (const [url, init] of [
    ['http://sso.example/.well-known/oauth-authorization-server', {}],
    ['http://sso.example/token', post],
    ['http://notes.example/register', post],
    ['http://localhost.example/token', post],
    ['http://127.0.0.1.example/token', post],
  ] as const) {
    await assert.rejects(oauthFetch(url, init), HostError, url);
  }
  assert.equal(asked.length, 5);
});
