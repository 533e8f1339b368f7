import { join } from 'node:path';
import { readEncoded } from '../import/sources.ts';
import { createDetectors, type Detectors } from '../index.ts';

interface RecognizerCase {
  readonly file: string;
  readonly text: string;
  readonly count: number;
}

interface Sentence {
  readonly full_text: string;
  readonly spans: readonly {
    readonly entity_type: string;
    readonly entity_value: string;
    readonly start_position: number;
    readonly end_position: number;
  }[];
}

/** Right and wrong answers about one kind of personal data. */
export interface PersonalScore {
  readonly name: string;
  readonly wanted: number;
  readonly found: number;
  /** Findings that were not wanted. */
  readonly extra: number;
  /** Numbers of the cases with a wrong answer. */
  readonly wrong: readonly number[];
}

/** Presidio's test files that we claim, with the detector that is to find what they hold. */
const claimed: Readonly<Record<string, string>> = {
  email: 'email',
  phone: 'phone',
  credit_card: 'card',
  iban: 'iban',
  ip: 'ip',
  mac: 'mac',
  crypto: 'wallet',
  us_ssn: 'us_ssn',
  us_itin: 'us_itin',
  us_mbi: 'us_mbi',
  ca_sin: 'ca_sin',
  au_tfn: 'au_tfn',
  au_abn: 'au_abn',
  au_medicare: 'au_medicare',
  in_aadhaar: 'in_aadhaar',
  in_gstin: 'in_gstin',
  kr_rrn: 'kr_rrn',
  kr_frn: 'kr_frn',
  sg_fin: 'sg_nric',
  th_tnin: 'th_tnin',
  tr_national_id: 'tr_national_id',
  za_id_number: 'za_id',
  uk_nino: 'uk_nino',
  uk_nhs: 'uk_nhs',
  de_tax_id: 'de_tax_id',
  de_social_security: 'de_social_security',
  de_health_insurance: 'de_health_insurance',
  es_nif: 'es_nif',
  es_nie: 'es_nie',
  fi_personal_identity_code: 'fi_id',
  pl_pesel: 'pl_pesel',
  se_personnummer: 'se_personnummer',
};

/** Counts what each detector finds in the cases of Presidio's recognizer of the same kind. */
export function scoreRecognizerCases(directory: string): readonly PersonalScore[] {
  const cases = readCases(directory);
  return Object.entries(claimed).map(([file, detector]) => {
    const detectors = createDetectors({ detectors: [detector] });
    const rows = mostWanted(cases.filter((row) => row.file === `test_${file}_recognizer.py`));
    return scoreCounts(`${file} (${detector})`, rows, detectors);
  });
}

function readCases(directory: string): readonly RecognizerCase[] {
  // The file is made by a script and has this form.
  const { cases } = readEncoded(join(directory, 'presidio-recognizer-cases.json')) as {
    readonly cases: readonly RecognizerCase[];
  };
  return cases;
}

function readSentences(directory: string): readonly Sentence[] {
  // As above.
  return readEncoded(join(directory, 'synth_dataset_v2.json')) as readonly Sentence[];
}

/** The texts of all cases, of what we do not claim as well. */
export function readCaseTexts(directory: string): readonly string[] {
  return readCases(directory).map(({ text }) => text);
}

/** The texts of the labelled sentences. */
export function readSentenceTexts(directory: string): readonly string[] {
  return readSentences(directory).map(({ full_text: text }) => text);
}

/** The same text is asked with different regions; what any of them wants is right. */
function mostWanted(cases: readonly RecognizerCase[]): readonly RecognizerCase[] {
  const byText = new Map<string, RecognizerCase>();
  for (const row of cases) {
    const known = byText.get(row.text);
    if (known === undefined || known.count < row.count) {
      byText.set(row.text, row);
    }
  }
  return [...byText.values()];
}

function scoreCounts(
  name: string,
  rows: readonly RecognizerCase[],
  detectors: Detectors,
): PersonalScore {
  let wanted = 0;
  let found = 0;
  let extra = 0;
  const wrong: number[] = [];
  for (const [index, { text, count }] of rows.entries()) {
    const hits = detectors.find(text).findings.length;
    wanted += count;
    found += Math.min(hits, count);
    extra += Math.max(0, hits - count);
    if (hits !== count) {
      wrong.push(index);
    }
  }
  return { name, wanted, found, extra, wrong };
}

/** Kinds of the labelled sentences, with the detectors whose findings answer them. */
const sentenceKinds: Readonly<Record<string, readonly string[]>> = {
  CREDIT_CARD: ['card'],
  EMAIL_ADDRESS: ['email'],
  IBAN_CODE: ['iban'],
  IP_ADDRESS: ['ip'],
  PHONE_NUMBER: ['phone'],
  US_SSN: ['us_ssn'],
};

/** Counts by value: a labelled value is found if a finding covers it, and a finding is extra if it covers no label. */
export function scoreSentences(directory: string): readonly PersonalScore[] {
  const sentences = readSentences(directory);
  return Object.entries(sentenceKinds).map(([kind, names]) => {
    const detectors = createDetectors({ detectors: names });
    let wanted = 0;
    let found = 0;
    let extra = 0;
    const wrong: number[] = [];
    for (const [index, { full_text: text, spans }] of sentences.entries()) {
      const { findings } = detectors.find(text);
      const labels = spans.filter(({ entity_type: type }) => type === kind);
      const missed = labels.filter(
        (label) =>
          !findings.some(
            ({ start, end }) => start <= label.start_position && end >= label.end_position,
          ),
      );
      const surplus = findings.filter(
        ({ start, end }) =>
          !labels.some((label) => start < label.end_position && end > label.start_position),
      );
      wanted += labels.length;
      found += labels.length - missed.length;
      extra += surplus.length;
      if (missed.length + surplus.length > 0) {
        wrong.push(index);
      }
    }
    return { name: kind, wanted, found, extra, wrong };
  });
}
