import { HostError } from '@modelhost/kernel';

/** Where requests of a provider go, checked once. */
export interface Endpoint {
  readonly origin: string;
  /** Path of the base URL, without a slash at its end. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

interface EndpointOptions {
  readonly name: string;
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Checks base URL, key and headers; throws `config_invalid`, which names the option but never a value. */
export function readEndpoint(
  options: EndpointOptions,
  apiHeaders: Readonly<Record<string, string>>,
): Endpoint {
  const { name, baseUrl, apiKey } = options;
  const invalid = (what: string): HostError =>
    new HostError('config_invalid', `provider ${name}: ${what}`, { facts: { provider: name } });

  const url = URL.parse(baseUrl);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw invalid('baseUrl must be an http or https URL');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalid('baseUrl must have no credentials, query or fragment; use apiKey or headers');
  }
  if (apiKey !== undefined && !/^[!-~]+$/u.test(apiKey)) {
    throw invalid('apiKey must be printable ASCII without spaces; is there a line end in it?');
  }
  const headers: Record<string, string> = { ...apiHeaders };
  for (const [key, value] of Object.entries(options.headers ?? {})) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/u.test(key)) throw invalid('headers has an invalid name');
    if (!/^[\t -~\u0080-\u00ff]*$/u.test(value))
      throw invalid(`header ${key} has an invalid value`);
    headers[key.toLowerCase()] = value;
  }
  return { origin: url.origin, path: url.pathname.replace(/\/+$/u, ''), headers };
}

/** What must never be shown: the key, and the values of headers that carry one. */
export function secretsOf({ apiKey, headers = {} }: EndpointOptions): readonly string[] {
  const inHeaders = Object.entries(headers)
    .filter(([key]) => /auth|key|token|secret|cookie/iu.test(key))
    .map(([, value]) => value.replace(/^\w+ /u, ''));
  return apiKey === undefined ? inHeaders : [apiKey, ...inHeaders];
}
