import { readFileSync } from 'node:fs';
import { HostError } from '@modelhost/kernel';
import type { Keys, Redactor } from '@modelhost/kernel';
import { createHostRedactor } from '@modelhost/redaction';
import type { HostConfig } from '../config/read-config.ts';
import { hideKnown } from './hide-known.ts';

const fileBytesMax = 4_194_304;
const termsMax = 50_000;

/**
 * What hides everything that the host gives out, as the configuration says: what is looked for always, the terms of each tenant, and
 * the secrets of the configuration itself. Throws `config_invalid` for a file of terms that cannot be used.
 */
export function openRedactor(
  config: HostConfig,
  keys: Keys,
  environment: Readonly<Record<string, string | undefined>>,
): Redactor {
  const { always } = config.tree.redaction;
  const redactor = createHostRedactor({ always, keys, termsOf: createTerms(config) });
  const isOn = Object.keys(always).length > 0;
  const masterKey = environment['MODEL_HOST_MASTER_KEY'] ?? '';
  const secrets = config.secrets.map((secret) => secret.reveal());
  return isOn ? hideKnown(redactor, [...secrets, masterKey]) : redactor;
}

/** The dictionary of a tenant; of all of them for what belongs to none, such as a line of the log. */
function createTerms(config: HostConfig): (tenant: string) => readonly string[] {
  const { terms, termsFile } = config.tree.redaction;
  const shared = termsFile === undefined ? [] : readTerms(config.pathOf(termsFile), termsFile);
  const ofAll = isList(terms) ? terms : Object.values(terms).flat();
  const byTenant = new Map(isList(terms) ? [] : Object.entries(terms));
  const all = [...ofAll, ...shared];
  return (tenant) => {
    if (tenant === '' || isList(terms)) return all;
    return [...(byTenant.get(tenant) ?? []), ...shared];
  };
}

type Terms = HostConfig['tree']['redaction']['terms'];

// Array.isArray does not know lists that are read only.
function isList(terms: Terms): terms is readonly string[] {
  return Array.isArray(terms);
}

function readTerms(path: string, name: string): readonly string[] {
  const text = readFileSync(path, 'utf8');
  const terms = text.split('\n').map((line) => line.trim());
  if (text.length > fileBytesMax || terms.length > termsMax) {
    const bounds = `${termsMax} lines and ${fileBytesMax} characters`;
    throw new HostError('config_invalid', `redaction.termsFile: ${name} has more than ${bounds}`);
  }
  return terms.filter((term) => term !== '');
}
