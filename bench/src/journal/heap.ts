/** What a process keeps in memory once everything that nobody needs is collected, asked through its inspector. */
export interface Heap extends AsyncDisposable {
  /** Bytes of JavaScript, and of the buffers that belong to it. */
  readonly keptBytes: () => Promise<number>;
}

/** Connects to the inspector of a process, at the address that it prints. */
export async function connectHeap(url: string): Promise<Heap> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error(`${url}: no inspector`)), {
      once: true,
    });
  });
  let calls = 0;

  async function call(method: string): Promise<unknown> {
    calls += 1;
    const id = calls;
    const answer = new Promise<unknown>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method }));
    return answer.finally(() => waiting.delete(id));
  }

  return {
    keptBytes: async () => {
      // What finalizers let go of is collected by the second.
      await call('HeapProfiler.collectGarbage');
      await call('HeapProfiler.collectGarbage');
      const { usedSize, embedderHeapUsedSize, backingStorageSize } = (await call(
        'Runtime.getHeapUsage',
      )) as { usedSize: number; embedderHeapUsedSize: number; backingStorageSize: number };
      return usedSize + embedderHeapUsedSize + backingStorageSize;
    },
    [Symbol.asyncDispose]: async () => socket.close(),
  };
}
