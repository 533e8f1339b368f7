import { z } from 'zod';
import { count, day, milliseconds, text } from './values.ts';

/** Where the rules come from, as it is written. */
export interface PoliciesConfig {
  /** Unsigned rules: a directory of `.cedar` files. Either this or `bundles`. */
  readonly directory?: string | undefined;
  /** Signed bundles. */
  readonly bundles?: readonly { readonly file: string }[] | undefined;
  readonly trustRoot?: string | undefined;
  /** 64 hex digits, with or without `sha256:` before them. */
  readonly trustRootDigest?: string | undefined;
  readonly watchMs: number;
  readonly graceMs: number;
  readonly allowUnsigned: boolean;
  readonly decisionLog: { readonly days: number; readonly maxEntries: number };
}

/** The section `policies`. */
export const policies: z.ZodType<PoliciesConfig> = z.strictObject({
  directory: text
    .optional()
    .describe('Directory of .cedar files, not signed; without a permit everything is denied.'),
  bundles: z
    .array(z.strictObject({ file: text }))
    .max(256)
    .optional()
    .describe('Signed bundles, in the place of a directory; those that were activated stay.'),
  trustRoot: text.optional().describe('File that says whose signatures count for bundles.'),
  trustRootDigest: z
    .string()
    .regex(/^(?:sha256:)?[0-9a-f]{64}$/, { error: 'must be a SHA-256, as 64 hex digits' })
    .optional()
    .describe('The only trust root that is taken, by the SHA-256 of its payload.'),
  watchMs: milliseconds(0, day)
    .default(5_000)
    .describe('How often the files are looked at for changes; 0 for never.'),
  graceMs: milliseconds(0, 30 * day)
    .default(day)
    .describe('How long an expired bundle still decides; then everything is denied.'),
  allowUnsigned: z
    .boolean()
    .default(false)
    .describe('Lets a host with NODE_ENV=production decide by a directory.'),
  decisionLog: z
    .strictObject({
      days: count(1, 3_650).default(30).describe('How long a decision is kept.'),
      maxEntries: count(1, 100_000_000).default(1_000_000).describe('Then the oldest go.'),
    })
    .prefault({}),
});
