import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject, parseJsonText, type Json } from '@modelhost/kernel';

/** A rule as upstream wrote it. */
export interface UpstreamRule {
  readonly id: string;
  readonly origin: string;
  readonly expression: string;
  readonly keywords: readonly string[];
  readonly entropy: number;
  readonly secretGroup: number;
}

interface RawRule {
  readonly id: string;
  readonly regex?: string;
  readonly pattern?: string;
  readonly keywords?: readonly string[];
  readonly entropy?: number;
  readonly min_entropy?: number;
  readonly secretGroup?: number;
  readonly filter?: string;
}

const files = [
  ['betterleaks', 'betterleaks.json'],
  ['gitleaks', 'gitleaks.json'],
  ['noseyparker', 'rules-noseyparker.json'],
  ['kingfisher', 'rules-kingfisher.json'],
] as const;

/** All rules of the four sets. Live checks (`validate`) and path filters are left behind. */
export function readUpstreamRules(directory: string): readonly UpstreamRule[] {
  return files.flatMap(([origin, file]) =>
    // The four files are made by one script, and have this form.
    (readEncoded(join(directory, file)) as { rules: readonly RawRule[] }).rules.flatMap((rule) => {
      const expression = rule.regex ?? rule.pattern;
      return expression === undefined ? [] : [upstreamRule(origin, rule, expression)];
    }),
  );
}

function upstreamRule(origin: string, rule: RawRule, expression: string): UpstreamRule {
  const filtered = /entropy\(finding\["secret"\]\)\s*<=?\s*([\d.]+)/.exec(rule.filter ?? '');
  return {
    id: rule.id,
    origin,
    expression,
    keywords: (rule.keywords ?? []).map((keyword) => keyword.toLowerCase()),
    entropy: rule.entropy ?? rule.min_entropy ?? Number(filtered?.[1] ?? 0),
    secretGroup: rule.secretGroup ?? 0,
  };
}

/** Reads a file whose fields `x_b64` hold base64; they come back decoded, as `x`. */
export function readEncoded(path: string): unknown {
  return decodeFields(parseJsonText(readFileSync(path, 'utf8')));
}

function decodeFields(value: Json): unknown {
  if (Array.isArray(value)) {
    return value.map(decodeFields);
  }
  if (!isJsonObject(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) =>
      key.endsWith('_b64') ? [key.slice(0, -4), decodeBase64(field)] : [key, decodeFields(field)],
    ),
  );
}

function decodeBase64(value: Json): unknown {
  return Array.isArray(value)
    ? value.map(decodeBase64)
    : Buffer.from(typeof value === 'string' ? value : '', 'base64').toString('utf8');
}
