import { spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What a warm process is to run, and as if it had been started with what. */
export interface Order {
  /** URL of the module. */
  readonly module: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a command did; both outputs together, as a terminal shows them. */
export interface Done {
  readonly status: number | null;
  readonly output: string;
}

/** A process that runs a program many times; to load it takes longer than most of what it is asked for. */
export interface WarmCommand {
  readonly program: string;
  /** The words after the name of the program; one at a time. */
  run(args: readonly string[], environment: Order['environment']): Promise<Done>;
  /** Resolves when the process has ended. */
  close(): Promise<void>;
}

const script = fileURLToPath(new URL('warm-command-process.ts', import.meta.url));

/** Starts the process in a directory; whoever starts it closes it. The program must end by itself. */
export function startWarmCommand(program: string, directory: string): WarmCommand {
  // The shell puts both outputs in one, in their order.
  const child = spawn('sh', ['-c', 'exec "$0" "$1" 2>&1', process.execPath, script], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const module = pathToFileURL(program).href;
  let output = '';
  let look: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
      look();
    });
  });
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    look();
  });

  async function run(args: readonly string[], environment: Order['environment']): Promise<Done> {
    output = '';
    const done = Promise.withResolvers<Done>();
    look = () => {
      const [end, status] = /\0(\d+)\n$/.exec(output) ?? [];
      if (end !== undefined) {
        done.resolve({ status: Number(status), output: output.slice(0, -end.length) });
      } else if (!child.connected) {
        done.reject(new Error(`${args.join(' ')}: the process ended:\n${output}`));
      }
    };
    child.send({ module, args, environment } satisfies Order);
    return done.promise;
  }

  return {
    program,
    run,
    close: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The words of a line, when a shell would do no more than tell them apart. */
export function readWords(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let rest = line.replaceAll('\\\n', ' ').trim();
  while (rest !== '') {
    const [word] = /^(?:'[^']*'|"[^"$`\\]*"|[\w./:=,@%+-])+(?=\s|$)/.exec(rest) ?? [];
    if (word === undefined) return undefined;
    words.push(word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'));
    rest = rest.slice(word.length).trimStart();
  }
  return words;
}
