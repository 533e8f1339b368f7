import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import type { ChannelCredentials, ClientOptions } from '@grpc/grpc-js';

/** TLS with the system's roots, or with those of a PEM file; without it plain text. */
export type Tls = boolean | { readonly caFile?: string | undefined } | undefined;

/** How a channel is made. */
export interface Security {
  readonly channel: ChannelCredentials;
  readonly options: ClientOptions;
}

/** Reads the roots; throws what reading a file throws. */
export function readSecurity(address: string, tls: Tls): Security {
  if (tls === undefined || tls === false) {
    return { channel: credentials.createInsecure(), options: {} };
  }
  const caFile = tls === true ? undefined : tls.caFile;
  const roots = caFile === undefined ? null : readFileSync(caFile);
  const host = address.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) === 0) return { channel: credentials.createSsl(roots), options: {} };
  // TLS takes no address as the name of a server, and grpc-js gives it one; so it is given a name that nobody has, while
  // the certificate is still held against the address.
  const verify = {
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      checkServerIdentity(host, certificate),
  };
  const channel = credentials.createSsl(roots, null, null, verify);
  return { channel, options: { 'grpc.ssl_target_name_override': 'address.invalid' } };
}
