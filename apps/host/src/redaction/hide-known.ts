import { isJsonObject } from '@modelhost/kernel';
import type {
  Json,
  RedactionCounts,
  Redactor,
  SessionRedactor,
  StepRedactor,
} from '@modelhost/kernel';
import { createKnownValues } from './known-values.ts';
import type { KnownValues } from './known-values.ts';

/** A redactor that hides these values, too: the host's own secrets, of which no rule could say what they look like. */
export function hideKnown(redactor: Redactor, values: readonly string[]): Redactor {
  if (values.length === 0) return redactor;
  const known = createKnownValues(values.flatMap((value) => [value, ...asNumber(value)]));
  return {
    always: redactor.always,
    redact: (text) => redactor.redact(known.replace(text)),
    open: (session) => hideInSession(redactor.open(session), known),
  };
}

/** A value of digits as a number is written after it was read: more digits than a number can hold are others by then. */
function asNumber(value: string): readonly string[] {
  return /^[1-9]\d{15,307}$/.test(value) ? [String(Number(value))] : [];
}

function hideInSession(session: SessionRedactor, known: KnownValues): SessionRedactor {
  return { ...session, step: () => hideInStep(session.step(), known) };
}

function hideInStep(step: StepRedactor, known: KnownValues): StepRedactor {
  let count = 0;
  const onFound = (): void => {
    count += 1;
  };
  const replace = (text: string): string => known.replace(text, onFound);

  return {
    hides: () => true,
    redact: (text, styles) => step.redact(replace(text), styles),
    redactJson: (value, styles) => step.redactJson(mapStrings(value, replace), styles),
    stream: (styles) => {
      const [first, second] = [known.stream(onFound), step.stream(styles)];
      return {
        push: (text) => second.push(first.push(text)),
        end: () => second.push(first.end()) + second.end(),
        // What the first holds is the beginning of a value.
        abort: () => second.abort(),
      };
    },
    found: () => withSecrets(step.found(), count),
    state: () => step.state(),
  };
}

function withSecrets(found: RedactionCounts, count: number): RedactionCounts {
  return count === 0 ? found : { ...found, secrets: (found['secrets'] ?? 0) + count };
}

/** The very same where nothing changes. Deeper than its bound is for the redactor behind to refuse. */
function mapStrings(value: Json, change: (text: string) => string, depthLeft = 512): Json {
  if (typeof value === 'string') return change(value);
  if (typeof value === 'number') return changeNumber(value, change);
  if (typeof value !== 'object' || value === null || depthLeft === 0) return value;
  if (!isJsonObject(value)) {
    const items = value.map((item: Json) => mapStrings(item, change, depthLeft - 1));
    return items.every((item, at) => item === value[at]) ? value : items;
  }
  let isSame = true;
  const members = Object.entries(value).map(([name, member]): [string, Json] => {
    const changed: [string, Json] = [change(name), mapStrings(member, change, depthLeft - 1)];
    isSame &&= changed[0] === name && changed[1] === member;
    return changed;
  });
  return isSame ? value : Object.fromEntries(members);
}

/** The number, or a string when something was found in it. */
function changeNumber(value: number, change: (text: string) => string): Json {
  const text = String(value);
  const changed = change(text);
  return changed === text ? value : changed;
}
