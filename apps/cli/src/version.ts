import { readFileSync } from 'node:fs';

/** The version of this package. */
export function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  // Our own file, with a version in it.
  return (JSON.parse(text) as { readonly version: string }).version; // oxlint-disable-line no-restricted-properties
}
