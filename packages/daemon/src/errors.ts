/** What can go wrong between the daemon and the machine it runs on. */
export type DaemonErrorCode =
  | 'BAD_INTERFACE_NAME'
  | 'BAD_OPTION'
  | 'NOT_A_TUN'
  | 'INTERFACE_BUSY'
  | 'NO_TUN_DEVICE'
  | 'NOT_PERMITTED'
  | 'ALREADY_RUNNING'
  | 'ADDON_MISSING'
  | 'CRYPTO_UNAVAILABLE'
  | 'TUN_FAILED'
  | 'SOCKET_FAILED'
  /** A file of the state directory is not what was written there. */
  | 'STATE_CORRUPT'
  /** The state directory cannot be read or written. */
  | 'STATE_FAILED'
  | 'NOT_RUNNING'
  | 'NOT_A_MEMBER'
  | 'ALREADY_A_MEMBER'
  /** No channel to a coordinator, or it ended before the answer. */
  | 'NOT_CONNECTED'
  | 'UNKNOWN_NODE'
  | 'NO_ANSWER'
  | 'TIMED_OUT'
  /** Named as the system names it: callers treat it like the error of a system call. */
  | 'ENOTSUP';

/** The one error class of this package; switch on `code`. */
export class DaemonError extends Error {
  override readonly name = 'DaemonError';
  readonly code: DaemonErrorCode;

  constructor(code: DaemonErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
