import { detectorTable } from '@modelhost/redaction';
import type { RedactionStyle } from '@modelhost/kernel';
import { z } from 'zod';
import { nearest } from '@modelhost/policy-engine';
import { name, text } from './values.ts';

/** What is hidden everywhere, as it is written. */
export interface RedactionConfig {
  /** By the name of the detector. */
  readonly always: Readonly<Record<string, RedactionStyle>>;
  /** For the detector `term`: of all tenants, or of each. */
  readonly terms: readonly string[] | Readonly<Record<string, readonly string[]>>;
  /** More of them, for all tenants: one on each line. */
  readonly termsFile?: string | undefined;
}

const styles = ['placeholder', 'token', 'mask', 'hash', 'drop'] as const;

const style = z.enum(styles, {
  error: ({ input }) => {
    const guess = nearest(String(input), styles);
    const remedy = guess === undefined ? `use ${styles.join(', ')}` : `did you mean ${guess}?`;
    return `there is no style ${JSON.stringify(input)}; ${remedy}`;
  },
});

// The usual names are keys of their own, for editors and for variables of the environment, which lost their case.
const always = z
  .object(Object.fromEntries(detectorTable.map((entry) => [entry.name, z.exactOptional(style)])))
  .catchall(style);

const terms = z.array(z.string().trim().min(2).max(256)).max(10_000);

/** The section `redaction`. */
export const redaction: z.ZodType<RedactionConfig> = z.strictObject({
  always: always
    .default({ secrets: 'token' })
    .describe('What is hidden everywhere, by detector, and how; policy may ask for more.'),
  terms: z
    .union([terms, z.record(name, terms)], {
      error: 'must be a list of terms of 2 to 256 characters, or such a list for each tenant',
    })
    .default([])
    .describe('Names and terms for the detector term: a list, or a list for each tenant.'),
  termsFile: text
    .optional()
    .describe('More terms, for all tenants: a text file, one on each line.'),
});
