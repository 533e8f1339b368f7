import { readFileSync } from 'node:fs';
import { parseJsonText } from '@modelhost/kernel';

/** A rule for one kind of secret, as the importer wrote it down. */
export interface SecretRule {
  /** Upstream's own name. */
  readonly id: string;
  /** Source of an expression of JavaScript. */
  readonly expression: string;
  readonly flags: string;
  /** The capture that is the secret; 0: the first that took part, else the whole match. */
  readonly secretGroup: number;
  /** Bits per character that a secret has at least. */
  readonly entropy: number;
  /** Small letters; a match holds one of them. */
  readonly keywords: readonly string[];
  /** One of these stands nearby, if any are listed. */
  readonly context: readonly string[];
  /** How far from the match's start the keyword begins: at least and at most. */
  readonly before: readonly [number, number];
  /** No match is shorter. */
  readonly lengthMin: number;
  /** So many units in a row that are no white space stand in every match. */
  readonly runMin: number;
  /** No match is longer, or none longer is looked for. */
  readonly lengthMax: number;
  /** Units of work that one attempt at a keyword takes at worst, as measured by the importer. */
  readonly units: number;
}

let rules: readonly SecretRule[] | undefined;

/** The merged rules, read once and kept. */
export function secretRules(): readonly SecretRule[] {
  // The importer wrote the file, and its tests hold it to this form.
  rules ??= parseJsonText(
    readFileSync(new URL('./secret-rules.json', import.meta.url), 'utf8'),
  ) as unknown as readonly SecretRule[];
  return rules;
}
