import { open } from 'node:fs/promises';
import { HostError } from '@modelhost/kernel';
import { bundleBytesMax } from '@modelhost/policy-bundle';

/** The bytes of a file that the configuration names, at most one more than a bundle may have. Throws `config_invalid`. */
export async function readConfiguredFile(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, bundleBytesMax + 1));
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const why = isMissing ? 'there is no such file; put it there' : 'cannot be read by the host';
    throw new HostError('config_invalid', `${path}: ${why}`, { cause });
  }
}
