import type { LlmProvider } from '@modelhost/kernel';

import { createHttpProvider } from '../http-provider.ts';
import type { HttpProviderOptions } from '../http-provider.ts';
import { createReader } from './reader.ts';
import { createRequestBody, createRequestPath } from './request.ts';

/** Google's Gemini API; base URL `https://generativelanguage.googleapis.com/v1beta`. */
export function createGeminiProvider(options: HttpProviderOptions): LlmProvider {
  return createHttpProvider(options, {
    createHeaders: (apiKey) => (apiKey === undefined ? {} : { 'x-goog-api-key': apiKey }),
    createRequest: (request) => ({
      path: createRequestPath(request.model),
      body: createRequestBody(request),
    }),
    createReader,
    checkPath: '/models?pageSize=1',
  });
}
