import { readFileSync } from 'node:fs';
import type { Report } from './report.ts';
import { secretReference } from './schema.ts';
import { createSecret } from './secret.ts';
import type { Secret } from './secret.ts';
import type { ConfigPath } from './source.ts';
import type { ConfigTree } from './tree.ts';

/** Reads what every reference stands for, by the reference itself. */
export function readSecrets(options: {
  readonly tree: ConfigTree;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pathOf: (path: string) => string;
  readonly report: Report;
}): ReadonlyMap<string, Secret> {
  const { tree, environment, pathOf, report } = options;
  const secrets = new Map<string, Secret>();

  function read(path: ConfigPath, value: string | undefined): void {
    if (value === undefined) return;
    const reference = secretReference.exec(value)?.[1];
    if (reference === undefined) {
      if (/\$\{(?:env|file):/.test(value)) {
        report.add(
          path,
          'a reference must be the whole value; put the rest of it into what it names',
        );
      }
      return;
    }
    const name = reference.slice(reference.indexOf(':') + 1);
    const found = reference.startsWith('env:') ? environment[name] : readSecretFile(pathOf(name));
    if (found === undefined || found === '') {
      report.add(
        path,
        reference.startsWith('env:')
          ? `the environment variable ${name} is not set; set it, or remove what needs it`
          : `the secret file ${name} is missing or empty`,
      );
      return;
    }
    secrets.set(value, createSecret(found));
  }

  for (const [at, provider] of tree.providers.entries()) {
    read(['providers', at, 'apiKey'], provider.apiKey);
    for (const [key, value] of Object.entries(provider.headers))
      read(['providers', at, 'headers', key], value);
  }
  for (const [at, toolServer] of tree.tools.servers.entries()) {
    for (const [index, value] of toolServer.args.entries()) {
      read(['tools', 'servers', at, 'args', index], value);
    }
    for (const key of ['env', 'headers'] as const) {
      for (const [name, value] of Object.entries(toolServer[key])) {
        read(['tools', 'servers', at, key, name], value);
      }
    }
  }
  return secrets;
}

function readSecretFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch {
    // Reported with its name by the caller.
    return undefined;
  }
}
