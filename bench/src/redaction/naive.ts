/**
 * What a peer would do: every rule as its project wrote it, and every form of personal data, over the whole text, one after the
 * other. Nothing is checked of what they match, which would cost even more.
 */
import { readFileSync } from 'node:fs';
import { personalForms } from '@modelhost/redaction';

const files = [
  'gitleaks.json',
  'betterleaks.json',
  'rules-noseyparker.json',
  'rules-kingfisher.json',
] as const;

/** The loop, and of how many rules. */
export interface Naive {
  readonly redact: (text: string) => string;
  readonly rules: number;
}

/** Replaces what the rules find that ours are made from; those that the engine does not take are left out. */
export function createNaive(directory: URL): Naive {
  const sources = files.flatMap((name) => {
    const file: unknown = JSON.parse(readFileSync(new URL(name, directory), 'utf8'));
    // The files are described beside them; some rules have a path only.
    const { rules } = file as {
      readonly rules: readonly { readonly regex_b64?: string; readonly pattern_b64?: string }[];
    };
    return rules.flatMap(({ regex_b64: regex, pattern_b64: pattern = regex }) =>
      pattern === undefined ? [] : [Buffer.from(pattern, 'base64').toString()],
    );
  });
  const patterns = [...new Set(sources)].flatMap((source) => {
    try {
      return [toPattern(source)];
    } catch {
      return [];
    }
  });
  const forms = personalForms.map(
    ({ source, flags }) => new RegExp(source, flags.replace('y', 'g')),
  );
  const all = [...patterns, ...forms];
  return {
    redact: (text) => all.reduce((left, pattern) => left.replaceAll(pattern, '[HIDDEN]'), text),
    rules: all.length,
  };
}

/** The dialects of Go and Rust in ours: a switch in the middle of a group counts to its end. */
function toPattern(foreign: string): RegExp {
  const [start = '', switches = ''] = /^\s*\(\?([a-z]+)\)/.exec(foreign) ?? [];
  const isVerbose = switches.includes('x');
  const source = foreign
    .slice(start.length)
    .replaceAll(isVerbose ? /(?<![\\[])#.*$/gm : /(?!)/g, '')
    .replaceAll(/\(\?P?<[A-Za-z]\w*>/g, '(')
    .replaceAll('[[:alnum:]]', '[0-9A-Za-z]')
    .replaceAll('[:alnum:]', '0-9A-Za-z')
    .replaceAll('\\z', '$')
    .replaceAll('\\A', '^');
  // For each open group: how many more it has to close.
  const extra = [0];
  const pattern = source.replaceAll(token, (text) => {
    if (text === '(') extra.push(0);
    if (text === ')') return ')'.repeat(1 + (extra.pop() ?? 0));
    const [, flags] = /^\(\?([ims]+)\)$/.exec(text) ?? [];
    if (flags !== undefined) {
      extra.push((extra.pop() ?? 0) + 1);
      return `(?${flags}:`;
    }
    return /^\s/.test(text) && isVerbose ? '' : text;
  });
  return new RegExp(pattern + ')'.repeat(extra[0] ?? 0), `g${switches.replaceAll(/[^ims]/g, '')}`);
}

const token = /\\[^]|\[\^?\]?(?:\\[^]|[^\]\\])*\]|\(\?[ims]+\)|\s|[()]/g;
