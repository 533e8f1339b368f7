import type {
  Json,
  JsonObject,
  RedactionCounts,
  RedactionStyles,
  StepRedactor,
  TextRedaction,
} from '@modelhost/kernel';
import type { Finding } from '../finding.ts';
import { redactJson } from '../stream/json-value.ts';
import type { Placeholders } from '../styles/style.ts';
import type { Vault, VaultEntry } from '../vault/vault.ts';
import type { SharedRedactor } from './compile.ts';

/** Redaction in one step of a session: it knows what it found, and which placeholders it gave out. */
export function createStep(
  vault: Vault,
  compile: (styles: RedactionStyles) => SharedRedactor | undefined,
): StepRedactor {
  const counts = new Map<string, number>();
  const given = new Map<number, VaultEntry>();

  const placeholders: Placeholders = {
    issue: (kind, value) => {
      const placeholder = vault.issue(kind, value);
      // Also one that the session knows: the step that gave it out first may never be finished.
      const entry = placeholder === undefined ? undefined : vault.entryOf(placeholder);
      if (entry !== undefined) given.set(entry.number, entry);
      return placeholder;
    },
  };

  function onFinding({ kind }: Finding): void {
    const name = kind === 'SECRET' ? 'secrets' : kind.toLowerCase();
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }

  /** The same arguments are looked at where they come in and where their decision is kept; once is enough. */
  function redactOnce(value: Json, shared: SharedRedactor | undefined): Json {
    if (shared === undefined || (isHolder(value) && shared.clean.has(value))) return value;
    let isClean = true;
    const redacted = shared.use(placeholders, (redactor) =>
      redactJson(redactor, value, (finding) => {
        isClean = false;
        onFinding(finding);
      }),
    );
    if (!isClean) return redacted;
    if (isHolder(value)) shared.clean.add(value);
    return value;
  }

  function stream(styles: RedactionStyles): TextRedaction {
    const shared = compile(styles);
    if (shared === undefined) return untouched;
    const open = shared.use(placeholders, (redactor) => redactor.stream({ onFinding }));
    return {
      push: (text) => shared.use(placeholders, () => open.push(text)),
      end: () => shared.use(placeholders, () => open.end()),
      abort: () => shared.use(placeholders, () => open.abort()),
    };
  }

  return {
    hides: (styles) => compile(styles) !== undefined,
    redact: (text, styles) =>
      compile(styles)?.use(placeholders, (redactor) => redactor.redact(text, { onFinding }).text) ??
      text,
    redactJson: (value, styles) => redactOnce(value, compile(styles)),
    stream,
    found: () =>
      counts.size === 0
        ? nothing
        : Object.fromEntries([...counts].toSorted(([one], [other]) => (one < other ? -1 : 1))),
    state: () => (given.size === 0 ? null : [...given.values()].map(toJson)),
  };
}

function isHolder(value: Json): value is JsonObject | readonly Json[] {
  return typeof value === 'object' && value !== null;
}

const nothing: RedactionCounts = {};
const untouched: TextRedaction = { push: (text) => text, end: () => '', abort: () => '' };

function toJson({ value, ...entry }: VaultEntry): JsonObject {
  return { ...entry, value: { ...value } } satisfies Json;
}
