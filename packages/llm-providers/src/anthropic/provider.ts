import type { LlmProvider } from '@modelhost/kernel';

import { createHttpProvider } from '../http-provider.ts';
import type { HttpProviderOptions } from '../http-provider.ts';
import { createReader } from './reader.ts';
import { createRequestBody } from './request.ts';

/** Anthropic's messages API; base URL `https://api.anthropic.com/v1`. */
export function createAnthropicProvider(options: HttpProviderOptions): LlmProvider {
  return createHttpProvider(options, {
    createHeaders: (apiKey) => ({
      'anthropic-version': '2023-06-01',
      ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }),
    }),
    createRequest: (request) => ({ path: '/messages', body: createRequestBody(request) }),
    createReader,
    checkPath: '/models?limit=1',
  });
}
