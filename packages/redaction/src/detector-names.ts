import { personalDetectors } from './personal/scanner.ts';
import { assignmentRule } from './rules/assignments.ts';
import { secretRules } from './rules/secret-rules.ts';

/** What policy, the command line and an operator's page call detectors by, and how they belong together. */
export interface DetectorEntry {
  readonly name: string;
  /** A few words for people. */
  readonly label: string;
  readonly group: 'secrets' | 'personal' | 'dictionary';
}

/**
 * The detectors that are asked for by name, in the order in which they are shown. A single rule for secrets, and a single kind of
 * national number, can be asked for by its own name as well.
 */
export const detectorTable: readonly DetectorEntry[] = [
  { name: 'secrets', label: 'Passwords, tokens and keys', group: 'secrets' },
  { name: 'email', label: 'E-mail addresses', group: 'personal' },
  { name: 'phone', label: 'Telephone numbers', group: 'personal' },
  { name: 'card', label: 'Numbers of payment cards', group: 'personal' },
  { name: 'iban', label: 'Numbers of bank accounts', group: 'personal' },
  { name: 'ip', label: 'IP addresses', group: 'personal' },
  { name: 'mac', label: 'MAC addresses', group: 'personal' },
  { name: 'url_credentials', label: 'Names and passwords in URLs', group: 'personal' },
  { name: 'national_id', label: 'National numbers of persons', group: 'personal' },
  { name: 'birth_date', label: 'Dates of birth', group: 'personal' },
  { name: 'wallet', label: 'Addresses of wallets', group: 'personal' },
  { name: 'term', label: 'Names and terms of a dictionary', group: 'dictionary' },
];

/** Every detector that needs nothing but a text: all but `term`, which needs a dictionary. */
export const detectorNames: readonly string[] = detectorTable
  .filter(({ group }) => group !== 'dictionary')
  .map(({ name }) => name);

const named: ReadonlySet<string> = new Set(detectorTable.map(({ name }) => name));
let ruleIds: ReadonlySet<string> | undefined;

/** Whether there is such a detector, single rule or kind. Only a name that is no detector makes the rules be read. */
export function isDetectorName(name: string): boolean {
  if (named.has(name) || name === assignmentRule || personalDetectors.has(name)) return true;
  ruleIds ??= new Set(secretRules().map(({ id }) => id));
  return ruleIds.has(name);
}
