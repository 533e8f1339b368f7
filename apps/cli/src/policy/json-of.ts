import { parseJsonText } from '@modelhost/kernel';
import type { Json } from '@modelhost/kernel';

/** What stands in a file as JSON; undefined for anything else, of which the parser would show some. */
export function jsonOf(bytes: Uint8Array): Json | undefined {
  try {
    return parseJsonText(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
