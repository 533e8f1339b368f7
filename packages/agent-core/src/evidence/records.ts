import type { Json } from '@modelhost/kernel';
import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { AnswerRecord } from './answer-record.ts';
import { readYamlRecords } from './yaml-records.ts';

/** Name of the member that an item without members has. */
const itemItself = '*';
const recordsMax = 2000;

/**
 * The things that an answer lists, from JSON or from the plain block style of YAML; undefined for any other text. Nothing is
 * guessed: an answer that is not wholly in such a form lists nothing, as a part that is only text may hold what looks like
 * a record.
 */
export function readRecords(text: string): readonly AnswerRecord[] | undefined {
  const first = text.trimStart()[0];
  const records = first === '{' || first === '[' ? readJsonRecords(text) : readYamlRecords(text);
  return records === undefined || records.length > recordsMax ? undefined : records;
}

function readJsonRecords(text: string): readonly AnswerRecord[] | undefined {
  let value: Json;
  try {
    value = parseJsonText(text);
  } catch {
    return undefined;
  }
  return recordsOf(value);
}

function recordsOf(value: Json): readonly AnswerRecord[] {
  if (Array.isArray(value)) return value.map((item: Json) => recordOf(item));
  const lists = isJsonObject(value) ? Object.values(value).filter(Array.isArray) : [];
  const [list] = lists;
  // An object around one list is the envelope that many servers put around it.
  const isEnvelope = isJsonObject(value) && Object.keys(value).length === 1 && list !== undefined;
  return isEnvelope ? recordsOf(list) : [recordOf(value)];
}

function recordOf(value: Json): AnswerRecord {
  const members = isJsonObject(value) ? Object.entries(value) : [[itemItself, value] as const];
  return new Map(
    members.flatMap(([name, member]) =>
      typeof member === 'string' || typeof member === 'number'
        ? [[name, String(member)] as const]
        : [],
    ),
  );
}
