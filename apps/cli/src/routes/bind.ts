import type { CliContext } from '../context.ts';

type Action<Flags, Args extends readonly (string | undefined)[]> = (
  context: CliContext,
  flags: Flags,
  ...args: Args
) => void | Promise<void>;

/** A loader of a function that gets its context as first argument, as one that gets it as `this`. */
export function bind<Flags, Args extends readonly (string | undefined)[]>(
  load: () => Promise<Action<Flags, Args>>,
): () => Promise<(this: CliContext, flags: Flags, ...args: Args) => void | Promise<void>> {
  return async () => {
    const action = await load();
    return async function call(this: CliContext, flags: Flags, ...args: Args): Promise<void> {
      await action(this, flags, ...args);
    };
  };
}
