import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Json, RedactionStyles, Redactor, SessionRedactor } from '@modelhost/kernel';
import { detectorTable } from '../detector-names.ts';
import { personalDetectors } from '../personal/scanner.ts';
import { escapePlaceholders, type Reveal } from '../vault/restore.ts';
import { createVault, type Vault, type VaultEntry } from '../vault/vault.ts';
import { createCompile, type Compile, type HostRedactorOptions } from './compile.ts';
import { createStep } from './step.ts';

/**
 * Redaction for everything that the host takes in and gives out. What is hidden `always` and what is asked for are joined, the
 * stricter style of each detector counts; where neither asks for anything, a text passes untouched. A detector that does not
 * exist throws `config_invalid`, in `always` at once.
 */
export function createHostRedactor(options: HostRedactorOptions): Redactor {
  const { always, keys } = options;
  const compile = createCompile(options);
  const outside = compile('', {});
  const noPlaceholders = { issue: (): undefined => undefined };

  return {
    always,
    redact: (text) =>
      outside?.use(noPlaceholders, (redactor) => redactor.redact(text).text) ?? text,
    open: ({ tenant, sessionId }) =>
      openSession(createVault({ keys, context: JSON.stringify([tenant, sessionId]) }), (styles) =>
        compile(tenant, styles),
      ),
  };
}

type CompileFor = (styles: RedactionStyles) => ReturnType<Compile>;

function openSession(vault: Vault, compile: CompileFor): SessionRedactor {
  return {
    step: () => createStep(vault, compile),
    adopt: (state) => vault.adopt(readEntries(state)),
    escape: escapePlaceholders,
    conceal: (placeholders) => vault.conceal(placeholders),
    restore: (values, reveal) => {
      const restored = vault.restore(values, Object.entries(reveal).map(revealOf));
      if (restored.type === 'refused') return { type: 'refused', path: restored.path };
      const { type, value } = restored;
      // Restoring an object gives an object.
      return { type, arguments: isJsonObject(value) ? value : {}, restored: restored.restored };
    },
  };
}

function revealOf([path, detectors]: readonly [string, readonly string[]]): Reveal {
  return { path, kinds: detectors.flatMap(kindsOf) };
}

const shared = new Set(detectorTable.map(({ name }) => name));
const nationalKinds = [...personalDetectors]
  .filter((name) => !shared.has(name))
  .map((name) => name.toUpperCase());

/** The kinds of value that a detector finds; none for a single rule for secrets, whose placeholders do not name it. */
function kindsOf(detector: string): readonly string[] {
  if (detector === 'secrets') return ['SECRET'];
  if (detector === 'national_id') return nationalKinds;
  return [detector.toUpperCase()];
}

/** What this module gave as state of a step, from a journal. */
function readEntries(state: Json): readonly VaultEntry[] {
  const entries: readonly Json[] = Array.isArray(state) ? state : [];
  const known = entries.flatMap(readEntry);
  if ((state === null || Array.isArray(state)) && known.length === entries.length) return known;
  throw new HostError('internal', 'placeholders were kept in a form that is not known');
}

function readEntry(given: Json): readonly VaultEntry[] {
  if (!isJsonObject(given)) return [];
  const { number, kind, index, value } = given;
  const { keyId, data } = isJsonObject(value) ? value : given;
  if (typeof number !== 'number' || typeof kind !== 'string' || typeof index !== 'string')
    return [];
  if (typeof keyId !== 'string' || typeof data !== 'string') return [];
  return [{ number, kind, index, value: { keyId, data } }];
}
