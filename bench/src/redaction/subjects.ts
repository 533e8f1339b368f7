/** What is measured: ours whole and streamed, parts of ours, and every rule over the whole text. */
import { createNaive } from './naive.ts';
import {
  createDetectors,
  createRedactor,
  detectorNames,
  detectorTable,
  type Detectors,
  type Redactor,
} from '@modelhost/redaction';

/** Takes a text out of which secrets and personal data have to go. */
export interface Subject {
  readonly name: string;
  readonly redact: (text: string) => string;
  /** Longest text that it is asked for; a slow one would take minutes. */
  readonly sizeMax: number;
}

const personal = detectorTable.filter(({ group }) => group === 'personal').map(({ name }) => name);
const chunkSize = 4;

/** Everything on. */
export function createOurs(): Redactor {
  return make(createDetectors({ detectors: detectorNames }));
}

/** In the order of the table; the first is the floor. */
export function createSubjects(ours: Redactor, directory: URL): readonly Subject[] {
  const all = createDetectors({ detectors: detectorNames });
  const naive = createNaive(directory);
  const nothing = { findings: [], isExhausted: false };
  return [
    {
      name: `naive, ${naive.rules} rules`,
      redact: naive.redact,
      sizeMax: 65_536,
    },
    whole('model-host', ours),
    { name: 'model-host, stream', redact: (text) => stream(ours, text), sizeMax: Infinity },
    whole('segments alone', make({ find: () => nothing, words: all.words })),
    whole('secrets alone', make(createDetectors({ detectors: ['secrets'] }))),
    whole('personal alone', make(createDetectors({ detectors: personal }))),
  ];
}

/** As a model gives it: a few characters at a time. */
function stream(redactor: Redactor, text: string): string {
  const redaction = redactor.stream();
  let redacted = '';
  for (let at = 0; at < text.length; at += chunkSize) {
    redacted += redaction.push(text.slice(at, at + chunkSize));
  }
  return redacted + redaction.end();
}

function whole(name: string, redactor: Redactor): Subject {
  return { name, redact: (text) => redactor.redact(text).text, sizeMax: Infinity };
}

function make(detectors: Detectors): Redactor {
  return createRedactor({
    detectors,
    styles: Object.fromEntries(detectorNames.map((name) => [name, 'token' as const])),
  });
}
