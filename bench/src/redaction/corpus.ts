/** Texts to redact: what a host sees, and what somebody would send to make it slow. */
import { readFileSync } from 'node:fs';

/** Sentences of presidio-research, over and over. */
export function createProse(directory: URL): (size: number) => string {
  const file: unknown = JSON.parse(
    readFileSync(new URL('synth_dataset_v2.json', directory), 'utf8'),
  );
  // The file is described beside it.
  const sentences = file as readonly { readonly full_text: string }[];
  const prose = sentences.map((sentence) => sentence.full_text).join('\n');
  return (size) => fill(prose, size);
}

/** Prose, log lines of JSON and code, a few hundred characters of each in turn. */
export function createMix(prose: string): string {
  const size = prose.length;
  const code = fill(readFileSync(new URL('../load.ts', import.meta.url), 'utf8'), size);
  const parts: string[] = [];
  for (let at = 0; at * 500 < size; at += 1) {
    const from = (at * 700) % Math.max(1, size - 700);
    parts.push(prose.slice(from, from + 700), logLine(at), code.slice(from, from + 500));
  }
  return fill(parts.join('\n'), size);
}

const dense = [
  '1-',
  '1.',
  '7',
  '00 ',
  '0 (1) ',
  'a@',
  'a@b.',
  'a:',
  '::',
  'ab:',
  '+1',
  '(1)',
  '12:10:33 ',
  '10.2.3.4 ',
  '2026-01-12 ',
  '12.01.26 ',
  'DE89 3704 0044 0532 0130 01 ',
  '4111111111111112 ',
  '123-45-6789 ',
  '+1 415 555 0132, ',
  '4111   ',
  '4111\n',
  'awstoken=',
  'key==',
  'secrettoken=',
  'password=a1b2c3d4 ',
  '-----BEGIN PRIVATE KEY-----',
  '\u001b[31mab1',
] as const;
const long = ['0', '1', '1 ', '1-', 'a', 'A1', ':', '.'];

/** Texts that are full of what looks like personal data or a secret, and of what nearly does. */
export function createDense(size: number): readonly (readonly [name: string, text: string])[] {
  const begun = ['+', '(', ':', '@', 'x@', '://', 'DE89'].flatMap((start) =>
    long.map((part) => [`${start} and ${part}`, `${start}${fill(part, size)}`] as const),
  );
  return [...dense.map((value) => [value.trim(), fill(value, size)] as const), ...begun];
}

const fillings = ['a', '0', ' ', '-', 'A', '=', '.', '"', '\n', '0aB', 'a-', 'a.'];
const classesOf = /\[(?:\\.|[^\]\\])*\]|\\[wdsS]/g;

/**
 * Texts that make the search of a rule go on and on: its word over and over, and behind its word a run of each filling that one of
 * the classes in its expression takes.
 */
export function createPumped(word: string, expression: string, size: number): readonly string[] {
  const classes = [...new Set(expression.match(classesOf))].map(
    (source) => new RegExp(`^${source}+$`),
  );
  const taken = fillings.filter((filling) => classes.some((each) => each.test(filling)));
  return [
    fill(`${word} `, size),
    fill(`${word}= `, size),
    ...taken.map((filling) => `${word}${fill(filling, size)}`.slice(0, size)),
  ];
}

function fill(text: string, size: number): string {
  return text.repeat(Math.ceil(size / text.length)).slice(0, size);
}

function logLine(at: number): string {
  const trace = ((at + 1) * 2_654_435_761).toString(16).padStart(16, '0').repeat(2);
  return JSON.stringify({
    ts: new Date(1_760_000_000_000 + at * 1_000).toISOString(),
    level: at % 10 === 0 ? 'error' : 'info',
    msg: 'request handled by worker',
    route: `/v1/agents/${(at * 7_919) % 1_000_000}/run`,
    ms: (at * 31) % 1_000,
    trace,
    user: `u${(at * 613) % 100_000}`,
  });
}
