/** One step into a JSON value: a key or an index. */
export type PathToken = string | number;

const keyLengthMax = 64;
const pathLengthMax = 256;

/** Path as people write it: `input[0].text`; `$` is the whole value. Odd keys are quoted and long ones cut. */
export function formatPath(tokens: readonly PathToken[]): string {
  let path = '';
  for (const token of tokens) {
    if (typeof token === 'number') path += `[${token}]`;
    else if (!/^[A-Za-z_$][A-Za-z0-9_$-]*$/.test(token) || token.length > keyLengthMax)
      path += `[${JSON.stringify(token.slice(0, keyLengthMax))}]`;
    else path += path === '' ? token : `.${token}`;
  }
  if (path === '') return '$';
  return path.length > pathLengthMax ? `${path.slice(0, pathLengthMax)}…` : path;
}

/** A JSON Pointer (RFC 6901) without its leading `#`. */
export function toPointer(tokens: readonly PathToken[]): string {
  return tokens
    .map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

/** The tokens of a JSON Pointer, as text. */
export function readPointer(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}
