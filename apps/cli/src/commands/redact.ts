import { once } from 'node:events';
import type { RedactionStyle } from '@modelhost/kernel';
import {
  createDetectors,
  createRedactor,
  detectorNames,
  isDetectorName,
  type Finding,
} from '@modelhost/redaction';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes, readFailure } from '../failure.ts';

/** What `model-host redact` is told. */
export interface RedactFlags {
  readonly detectors?: readonly string[];
  readonly term?: readonly string[];
  readonly style: RedactionStyle;
  readonly explain?: boolean;
}

/** Reads stdin to its end and writes it to stdout without what was found. */
export async function redact(context: CliContext, flags: RedactFlags): Promise<void> {
  try {
    if (await filter(context, flags)) context.exitWith(exitCodes.failure);
  } catch (thrown) {
    // 1 says that something was found, so whatever went wrong is 2.
    throw new CommandError(exitCodes.usage, readFailure(thrown).text);
  }
}

/** Whether something was found. */
async function filter(context: CliContext, flags: RedactFlags): Promise<boolean> {
  const { streams } = context;
  const lines = createLines();
  let isFound = false;
  const redaction = createRedactorOf(context, flags).stream({
    onFinding: (finding) => {
      isFound = true;
      if (flags.explain === true) context.say(lines.describe(finding));
    },
  });

  async function write(text: string): Promise<void> {
    if (text !== '' && !streams.output.write(text)) await once(streams.output, 'drain');
  }

  // The mark of the byte order is part of the text, which comes out as it went in.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const isWide = createWideness();
  try {
    // The stream of a process gives bytes as long as nobody asks for text.
    for await (const bytes of streams.input as AsyncIterable<Uint8Array>) {
      if (isWide(bytes)) throw notUtf8();
      const text = decoder.decode(bytes, { stream: true });
      lines.read(text);
      await write(redaction.push(text));
      lines.forget(redaction.held());
    }
  } catch (cause) {
    await write(redaction.abort());
    throw cause;
  }
  const rest = decoder.decode();
  lines.read(rest);
  await write(redaction.push(rest) + redaction.end());
  return isFound;
}

const lookedBytes = 256;

/** Whether the first bytes are UTF-16 or UTF-32: by the mark of the byte order, or since many are zero. Asked for all bytes in turn. */
function createWideness(): (bytes: Uint8Array) => boolean {
  let first: readonly number[] = [];
  return (bytes) => {
    if (first.length >= lookedBytes) return false;
    first = [...first, ...bytes.subarray(0, lookedBytes - first.length)];
    const [one, other] = first;
    const isMarked = (one === 0xff && other === 0xfe) || (one === 0xfe && other === 0xff);
    const zeros = first.filter((byte) => byte === 0).length;
    return isMarked || (first.length >= 4 && zeros >= first.length / 3);
  };
}

function notUtf8(): CommandError {
  return new CommandError(
    exitCodes.usage,
    'the input is UTF-16 or UTF-32, in which nothing would be found',
    'convert it first, as with iconv -f UTF-16 -t UTF-8',
  );
}

function createRedactorOf(
  { environment }: CliContext,
  { detectors = detectorNames, term: terms = [], style }: RedactFlags,
): ReturnType<typeof createRedactor> {
  const names = [...detectors, ...(terms.length > 0 ? ['term'] : [])];
  const unknown = names.find((name) => !isDetectorName(name));
  if (unknown !== undefined) {
    throw new CommandError(
      exitCodes.usage,
      `--detectors: there is no detector ${JSON.stringify(unknown)}`,
      `use ${detectorNames.join(', ')} or the name of a single rule, with commas between`,
    );
  }
  const hashKey = environment['MODEL_HOST_REDACT_KEY'];
  if (style === 'hash' && (hashKey === undefined || hashKey === '')) {
    throw new CommandError(
      exitCodes.usage,
      '--style hash: no secret is in MODEL_HOST_REDACT_KEY',
      'set it to a long random text; the same text gives the same hashes',
    );
  }
  return createRedactor({
    detectors: createDetectors({ detectors: names, terms }),
    styles: Object.fromEntries(names.map((name) => [name, style])),
    ...(hashKey !== undefined && { hashKey }),
  });
}

interface Lines {
  read(text: string): void;
  /** Findings come in the order of the text. */
  describe(finding: Finding): string;
  /** Nothing before the last `held` units is asked for any more. */
  forget(held: number): void;
}

/** Knows the line and column of places in a text that passes by; counts both from 1, columns in UTF-16 units. */
function createLines(): Lines {
  let size = 0;
  let line = 1;
  let lineStart = 0;
  // Where later lines begin.
  let starts: number[] = [];

  function moveTo(place: number): void {
    const passed = starts.filter((start) => start <= place);
    line += passed.length;
    lineStart = passed.at(-1) ?? lineStart;
    starts = starts.slice(passed.length);
  }

  return {
    read(text) {
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
        starts.push(size + at + 1);
      }
      size += text.length;
    },
    describe({ detector, kind, start }) {
      moveTo(start);
      return `${line}:${start - lineStart + 1} ${detector} ${kind}`;
    },
    forget: (held) => moveTo(size - held),
  };
}
