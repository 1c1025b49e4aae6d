import type { RefusalCode } from '@pcloud/netmap';
import { encodeBase64, formatNetworkId, type JoinLink } from '@pcloud/netmap';

/** What a device has to know to ask a network in. A join link has it all. */
export interface JoinTarget {
  /** Of one server, best first. `https://HOST:PORT` */
  readonly urls: readonly string[];
  /** 52 characters of base32. */
  readonly networkId: string;
  /** The server's, base64. */
  readonly channelKey: string;
  /** Without one, somebody has to approve. */
  readonly token?: string;
}

/** How asking went. */
export type JoinOutcome =
  | { readonly kind: 'joined'; readonly name: string; readonly addresses: readonly string[] }
  /** A signed-in user types the code at the address; `wait` tells when it is done. */
  | { readonly kind: 'pending'; readonly code: string; readonly url: string; readonly expiresInMs: number }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string }
  /** No server of the network was there. `code`: what the last one that was tried did. */
  | { readonly kind: 'unreachable'; readonly code: string; readonly message: string };

export function targetOfLink(link: JoinLink): JoinTarget {
  return {
    urls: link.urls,
    networkId: formatNetworkId(link.networkId),
    channelKey: encodeBase64(link.channelKey),
    token: link.token,
  };
}
