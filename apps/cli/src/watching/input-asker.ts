import type { InputRequested } from '@modelhost/contracts';
import { InputAction } from '@modelhost/contracts';
import type { Ask } from '../context.ts';
import { fieldKinds, readForm, readLine } from '../text/input-form.ts';
import type { FormField } from '../text/input-form.ts';
import { toLine } from '../text/printable.ts';
import type { AskQueue } from './ask-queue.ts';

/** Answers what tool servers ask of a person in one run, while its events go on. */
export interface InputAsker {
  /** Resolves once the request is dealt with, and never rejects. */
  requested(request: InputRequested): Promise<void>;
  /** It was answered, by this asker or elsewhere: its question is taken back. */
  resolved(inputId: string): void;
  /** Takes back every question and waits until nothing is asked any more. */
  close(): Promise<void>;
}

/** An answer as the host takes it. */
export interface GivenInput {
  readonly inputId: string;
  readonly action: InputAction;
  readonly contentJson: string;
}

/** What an asker needs. */
export interface InputAskerOptions {
  /** Undefined where nobody can be asked. */
  readonly queue: AskQueue | undefined;
  readonly say: (text: string) => void;
  readonly submit: (input: GivenInput) => Promise<void>;
  /** What is wrong with the content, when that is why the host refused it; undefined for any other failure. */
  readonly readMisfit: (thrown: unknown) => string | undefined;
  /** An answer could not be given. */
  readonly onFailure: (thrown: unknown) => void;
}

/** How often a person may try, for one field and for the form. */
const attemptsMax = 3;

/** Asks on the terminal. Where nobody can be asked the request is cancelled, so that the run goes on. */
export function createInputAsker(options: InputAskerOptions): InputAsker {
  const { queue, say, submit } = options;
  const open = new Map<string, AbortController>();
  const dealing = new Set<Promise<void>>();

  async function requested(request: InputRequested): Promise<void> {
    const controller = new AbortController();
    open.set(request.inputId, controller);
    const dealt = deal(request, controller.signal).catch((thrown: unknown) => {
      // A question that was taken back needs no answer.
      if (!controller.signal.aborted) options.onFailure(thrown);
    });
    dealing.add(dealt);
    await dealt;
    dealing.delete(dealt);
  }

  async function deal(request: InputRequested, signal: AbortSignal): Promise<void> {
    const { inputId, tool } = request;
    if (queue === undefined) {
      say(`input ${inputId} for ${toLine(tool, 64)}: nobody can be asked here, so it is cancelled`);
      return submit({ inputId, action: InputAction.CANCEL, contentJson: '' });
    }
    await queue(async (ask) => {
      signal.throwIfAborted();
      const asker: Asker = { ask, say, signal };
      for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
        const given = await askFor(asker, request);
        try {
          return await submit({ inputId, ...given });
        } catch (thrown) {
          const misfit = options.readMisfit(thrown);
          if (misfit === undefined) throw thrown;
          say(misfit);
        }
      }
      return submit({ inputId, action: InputAction.CANCEL, contentJson: '' });
    });
  }

  return {
    requested,
    resolved: (inputId) => {
      open.get(inputId)?.abort();
      open.delete(inputId);
    },
    close: async () => {
      for (const controller of open.values()) controller.abort();
      open.clear();
      await Promise.all(dealing);
    },
  };
}

interface Asker {
  readonly ask: Ask;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

type Given = Omit<GivenInput, 'inputId'>;

const cancelled: Given = { action: InputAction.CANCEL, contentJson: '' };

/** A clear yes accepts, a clear no declines, and everything else cancels. */
async function askFor({ ask, say, signal }: Asker, request: InputRequested): Promise<Given> {
  const name = toLine(request.tool, 64);
  const isForm = request.url === '';
  const question = isForm
    ? `Answer ${name}? [y to answer, n to decline, Enter to cancel] `
    : `Go to that address for ${name}? [y to agree, n to decline, Enter to cancel] `;
  const line = (await ask(question, signal)).trim();
  if (/^(?:n|no)$/i.test(line)) return { action: InputAction.DECLINE, contentJson: '' };
  if (!/^(?:y|yes)$/i.test(line)) return cancelled;
  if (!isForm) return { action: InputAction.ACCEPT, contentJson: '' };
  const fields = readForm(request.schemaJson);
  if (fields === undefined) {
    say('this form is of a newer kind: answer it with `model-host runs answer`');
    return cancelled;
  }
  const content: [string, unknown][] = [];
  for (const field of fields) {
    const reading = await askField({ ask, say, signal }, field);
    if (reading === undefined) return cancelled;
    if (reading.kind === 'value') content.push([field.name, reading.value]);
  }
  return {
    action: InputAction.ACCEPT,
    contentJson: JSON.stringify(Object.fromEntries(content)),
  };
}

/** Undefined when nothing fitting was typed in the end. */
async function askField(
  { ask, say, signal }: Asker,
  field: FormField,
): Promise<{ kind: 'value'; value: unknown } | { kind: 'left-out' } | undefined> {
  if (field.description !== '') say(`  ${toLine(field.description, 400)}`);
  for (const { value, title } of field.choices) {
    say(`    ${toLine(value, 200)}${title === '' ? '' : `: ${toLine(title, 200)}`}`);
  }
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const reading = readLine(field, await ask(`  ${labelOf(field)}: `, signal));
    if (reading.kind !== 'wrong') return reading;
    say(`  ${toLine(reading.problem, 400)}`);
  }
  return undefined;
}

function labelOf({ name, title, type, isRequired, preset }: FormField): string {
  const shown = toLine(title === '' ? name : `${title} (${name})`, 200);
  const otherwise = isRequired ? '' : ', may be left out';
  const note =
    preset === undefined ? otherwise : `, Enter for ${toLine(JSON.stringify(preset), 80)}`;
  return `${shown} [${fieldKinds[type]}${note}]`;
}
