import { WireGuardError } from '../errors.ts';

/** What a reply's `errno=` says, as `wg` expects it: negative. */
export const ERRNO = {
  OK: 0,
  /** Input could not be read to its end. */
  EIO: -5,
  /** A value or a field that is not understood. */
  EINVAL: -22,
  /** None of the others. */
  UNKNOWN: -55,
  /** A line without `=`. */
  EPROTO: -71,
  /** The port or the mark could not be set on the sockets. */
  EADDRINUSE: -98,
} as const;

/** Why an operation stopped. The message holds no secret. */
export interface UapiFailure {
  readonly errno: number;
  readonly message: string;
}

/** Turns what was thrown while a line was applied into a failure. */
export function failureOf(thrown: unknown): UapiFailure {
  if (!(thrown instanceof WireGuardError)) {
    return { errno: ERRNO.UNKNOWN, message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  switch (thrown.code) {
    case 'INVALID_LINE':
      return { errno: ERRNO.EPROTO, message: thrown.message };
    case 'SOCKET_REFUSED':
      return { errno: ERRNO.EADDRINUSE, message: thrown.message };
    default:
      return { errno: ERRNO.EINVAL, message: thrown.message };
  }
}
