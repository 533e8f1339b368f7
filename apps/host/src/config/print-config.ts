import { stringify } from 'yaml';
import type { HostConfig } from './read-config.ts';
import type { ConfigPath } from './source.ts';

/** One value of the effective configuration, with where it comes from. */
export interface ConfigLeaf {
  /** Dotted path, with list positions in brackets. */
  readonly key: string;
  readonly value: unknown;
  /** `file:line`, an environment variable, a flag, or `default`. */
  readonly origin: string;
}

/** The effective configuration as YAML; secrets stand there as the references that they were written as. */
export function printConfig(config: HostConfig): string {
  return stringify(config.tree);
}

/** Every value of the effective configuration. */
export function listConfig(config: HostConfig): readonly ConfigLeaf[] {
  const leaves: ConfigLeaf[] = [];
  function visit(value: unknown, path: ConfigPath, key: string): void {
    if (typeof value !== 'object' || value === null) {
      leaves.push({ key, value, origin: config.originOf(path) });
      return;
    }
    for (const [name, member] of Object.entries(value)) {
      const isItem = Array.isArray(value);
      const memberKey = isItem ? `${key}[${name}]` : key === '' ? name : `${key}.${name}`;
      visit(member, [...path, isItem ? Number(name) : name], memberKey);
    }
  }
  visit(config.tree, [], '');
  return leaves;
}
