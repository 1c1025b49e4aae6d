/** What can be wrong with what a caller hands to this package. */
export type WireGuardErrorCode =
  | 'INVALID_KEY'
  | 'TOO_MANY_PEERS'
  | 'INVALID_VALUE'
  | 'UNKNOWN_FIELD'
  | 'INVALID_LINE'
  | 'SOCKET_REFUSED';

/** The one error class of this package; switch on `code`. */
export class WireGuardError extends Error {
  override readonly name = 'WireGuardError';
  readonly code: WireGuardErrorCode;

  constructor(code: WireGuardErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
