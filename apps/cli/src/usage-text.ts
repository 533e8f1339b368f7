import { ArgumentScannerError, formatMessageForArgumentScannerError } from '@stricli/core';

/** What is wrong with the words of a command: which of them, what is expected there, and what to write. */
export function describeUsage(thrown: unknown, inputs: readonly string[]): string {
  if (!(thrown instanceof ArgumentScannerError)) return messageOf(thrown);
  return formatMessageForArgumentScannerError(thrown, {
    ArgumentParseError: ({ externalFlagNameOrPlaceholder: name, input, exception }) =>
      `${isFlag(name, inputs) ? `--${name}` : `<${name}>`}: ${quote(input)}: ${messageOf(exception)}`,
    EnumValidationError: ({ externalFlagName, input, values }) =>
      `--${externalFlagName}: ${quote(input)}: write one of ${values.join(', ')}`,
    UnsatisfiedFlagError: ({ externalFlagName, nextFlagName }) =>
      nextFlagName === undefined
        ? `--${externalFlagName}: is missing, or its value is`
        : `--${externalFlagName}: its value is missing before --${nextFlagName}`,
    UnexpectedFlagError: ({ externalFlagName, previousInput, input }) =>
      `--${externalFlagName}: is given twice, as ${quote(previousInput)} and ${quote(input)}`,
    UnsatisfiedPositionalError: ({ placeholder }) => `<${placeholder}>: is missing`,
    UnexpectedPositionalError: ({ expectedCount, input }) =>
      `${quote(input)}: is too much; beside flags this command takes ${expectedCount === 0 ? 'nothing' : `no more than ${expectedCount}`}`,
  });
}

/** The library tells a flag from an argument by nothing but the name. */
function isFlag(name: string, inputs: readonly string[]): boolean {
  return inputs.some((input) => input === `--${name}` || input.startsWith(`--${name}=`));
}

function quote(input: string): string {
  return JSON.stringify(input);
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
