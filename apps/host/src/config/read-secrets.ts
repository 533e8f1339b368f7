import { readFileSync } from 'node:fs';
import type { Report } from './report.ts';
import { secretReferences } from './values.ts';
import { createSecret } from './secret.ts';
import type { Secret } from './secret.ts';
import type { ConfigPath } from './source.ts';
import type { ConfigTree } from './tree.ts';

/** Names of headers and environment variables whose values are secrets. */
const secretNames =
  /^(?:authorization|proxy-authorization|cookie|api-key|x-api-key|x-goog-api-key)$|(?:^|_)(?:key|token|secret|password)$/i;

/**
 * Reads what every reference stands for. `reveal` puts it in a text: `Bearer ${env:TOKEN}` becomes the header that is
 * sent.
 */
export function readSecrets(options: {
  readonly tree: ConfigTree;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pathOf: (path: string) => string;
  readonly report: Report;
}): { readonly reveal: (text: string) => string; readonly secrets: readonly Secret[] } {
  const { tree, environment, pathOf, report } = options;
  const secrets = new Map<string, Secret>();

  function read(path: ConfigPath, text: string): void {
    for (const [whole, reference = ''] of text.matchAll(secretReferences)) {
      const name = reference.slice(reference.indexOf(':') + 1);
      const isVariable = reference.startsWith('env:');
      const found = isVariable ? environment[name] : readSecretFile(pathOf(name));
      if (found !== undefined && found !== '') {
        secrets.set(whole, createSecret(found));
      } else if (isVariable) {
        report.add(
          path,
          `the environment variable ${name} is not set; set it, or remove what needs it`,
        );
      } else {
        report.add(
          path,
          `the secret file ${name} is missing or empty; write it, or remove what needs it`,
        );
      }
    }
  }

  function readLabels(path: ConfigPath, labels: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(labels)) {
      read([...path, name], text);
      if (!secretNames.test(name) || text === '' || text.search(secretReferences) >= 0) continue;
      report.add(
        [...path, name],
        'a secret must not stand here itself; write ${env:NAME} or ${file:/path}',
      );
    }
  }

  for (const [at, { apiKey = '', headers }] of tree.providers.entries()) {
    read(['providers', at, 'apiKey'], apiKey);
    readLabels(['providers', at, 'headers'], headers);
  }
  for (const [at, { args, env, headers, auth }] of tree.tools.servers.entries()) {
    const path = ['tools', 'servers', at];
    for (const [index, argument] of args.entries()) read([...path, 'args', index], argument);
    readLabels([...path, 'env'], env);
    readLabels([...path, 'headers'], headers);
    for (const [key, value] of Object.entries(auth)) {
      if (typeof value === 'string') read([...path, 'auth', key], value);
    }
    if (auth.type === 'user-oauth') {
      read([...path, 'auth', 'client', 'clientSecret'], auth.client?.clientSecret ?? '');
    }
  }
  return {
    reveal: (text) =>
      text.replaceAll(secretReferences, (whole) => secrets.get(whole)?.reveal() ?? whole),
    secrets: [...secrets.values()],
  };
}

function readSecretFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch {
    // Reported with its name by the caller.
    return undefined;
  }
}
