import { z } from 'zod';

/** Name of a thing of the configuration. */
export const name: z.ZodType<string> = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, {
  error: 'must be 1 to 64 of a-z, 0-9 and "-", beginning with a letter',
});
/** Any text that is not empty. */
export const text: z.ZodType<string> = z.string().min(1).max(65_536);
/** A port; 0 takes a free one. */
export const port: z.ZodType<number> = z.int().min(0).max(65_535);
/** A whole number. What is said of one that is too large needs words only where they tell why. */
export const count = (
  min: number,
  max: number,
  tooLarge?: { readonly error: string },
): z.ZodType<number> => z.int().min(min).max(max, tooLarge);
/** A time in milliseconds. */
export const milliseconds = (min: number, max: number): z.ZodType<number> => count(min, max);
/** In milliseconds. */
export const day = 86_400_000;
/** Names and values, such as headers. */
export const labels: z.ZodType<Record<string, string>> = z.record(
  z.string().min(1).max(256),
  z.string().max(4_096),
);

/** `${env:NAME}` or `${file:/path}`: a secret is never written into the configuration itself. */
export const secretReferences: RegExp = /\$\{(env:[A-Za-z_][A-Za-z0-9_]*|file:[^}\0]+)\}/g;
/** A reference to a secret. */
export const secret: z.ZodType<string> = z
  .string()
  .regex(new RegExp(`^${secretReferences.source}$`), {
    error: 'a secret must not stand here itself; write ${env:NAME} or ${file:/path}',
  });
