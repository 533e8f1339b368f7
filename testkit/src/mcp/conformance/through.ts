/** The fixture behind our own gateway and façade. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFacade } from '../open-facade.ts';

/** How the fixture is served. */
export const upstreamKinds = [
  'modern-http',
  'legacy-http',
  'modern-stdio',
  'legacy-stdio',
] as const;
/** One of them. */
export type UpstreamKind = (typeof upstreamKinds)[number];

/** A façade with the fixture behind it. */
export interface Through extends AsyncDisposable {
  readonly url: string;
  /** Where the fixture notes what it was asked. */
  readonly requestsPath: string;
}

const fixture = fileURLToPath(new URL('../everything/main.ts', import.meta.url));

/** Starts the fixture of this kind, and gateway and façade in this process. */
export async function startThrough(kind: UpstreamKind): Promise<Through> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'through-'));
  opened.defer(async () => rm(folder, { recursive: true }));
  const requestsPath = join(folder, 'requests');
  await writeFile(requestsPath, '');
  const args = [fixture, kind, '--requests', requestsPath];
  const facade = opened.use(
    await openFacade({
      servers: [
        {
          alias: 'upstream',
          transport: kind.endsWith('stdio')
            ? { type: 'stdio', command: process.execPath, args, env: {} }
            : { type: 'http', url: await startHttp(args, opened), headers: {} },
        },
      ],
      environment: { PATH: '' },
      naming: 'none',
    }),
  );
  const open = opened.move();
  return {
    url: facade.url,
    requestsPath,
    [Symbol.asyncDispose]: async () => open.disposeAsync(),
  };
}

async function startHttp(args: readonly string[], opened: AsyncDisposableStack): Promise<string> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  opened.defer(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const port = /^port (\d+)$/m.exec(line)?.[1];
  if (port === undefined) throw new Error(`the fixture says ${line}`);
  return `http://127.0.0.1:${port}/mcp`;
}
