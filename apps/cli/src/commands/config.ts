import { configJsonSchema, listConfig, printConfig, readHostConfig } from '@modelhost/host';
import type { HostConfig } from '@modelhost/host';
import type { CliContext } from '../context.ts';
import { toTable } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';

/** What a configuration is made of. */
export interface ConfigFlags {
  readonly config: string;
  readonly set?: readonly string[];
}

/** What `config print` is told. */
export interface PrintConfigFlags extends ConfigFlags, JsonFlag {
  readonly sources?: boolean;
}

/** Reads file, environment and flags as `serve` does; throws `config_invalid`. */
export function readConfig({ environment }: CliContext, flags: ConfigFlags): HostConfig {
  return readHostConfig({ file: flags.config, environment, flags: flags.set ?? [] });
}

/** Says that a configuration can be used, or everything that is wrong with it. */
export function checkConfig(context: CliContext, flags: ConfigFlags): void {
  readConfig(context, flags);
  context.say(`${flags.config}: ok`);
}

/** The effective configuration; secrets stay references. */
export function showConfig(context: CliContext, flags: PrintConfigFlags): void {
  const config = readConfig(context, flags);
  const leaves = listConfig(config);
  if (flags.json === true) {
    context.print(
      `${JSON.stringify(flags.sources === true ? leaves : config.tree, undefined, 2)}\n`,
    );
  } else if (flags.sources === true) {
    const rows = leaves.map(({ key, value, origin }) => [key, JSON.stringify(value), origin]);
    context.print(toTable(['KEY', 'VALUE', 'FROM'], rows));
  } else {
    context.print(printConfig(config));
  }
}

/** JSON Schema of the configuration, for editors. */
export function printSchema(context: CliContext): void {
  context.print(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
}
