import type { Socket } from 'node:net';

/** Whether whoever is at the other end of a Unix socket is root. Without a way to tell, only root could connect. */
export function isRoot(socket: Socket, userOf: ((descriptor: number) => number) | undefined): boolean {
  if (userOf === undefined) return true;
  const { _handle: handle } = socket as Socket & { _handle?: { readonly fd?: number } };
  if (handle?.fd === undefined || handle.fd < 0) return false;
  try {
    return userOf(handle.fd) === 0;
  } catch {
    return false;
  }
}
