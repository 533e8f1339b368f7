import type { LlmProvider } from '@modelhost/kernel';

import { createHttpProvider } from '../http-provider.ts';
import type { HttpProviderOptions } from '../http-provider.ts';
import { createReader } from './reader.ts';
import { createRequestBody } from './request.ts';

/** OpenAI's responses API, also served by OpenRouter, DeepSeek and others. */
export function createOpenAiResponsesProvider(options: HttpProviderOptions): LlmProvider {
  return createHttpProvider(options, {
    createHeaders: (apiKey) => (apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    createRequest: (request) => ({ path: '/responses', body: createRequestBody(request) }),
    createReader,
    checkPath: '/models',
  });
}
