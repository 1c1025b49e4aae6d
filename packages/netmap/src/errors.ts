/** What can be wrong with what a caller or a person hands to this package. */
export type NetmapErrorCode =
  | 'INVALID_KEY'
  | 'INVALID_VALUE'
  | 'TOO_LARGE'
  | 'CHANNEL_NOT_OPEN'
  /** A join link: cut short, altered, or none at all. `field` says where. */
  | 'LINK_INVALID'
  /** A join link of a newer form than this program knows. */
  | 'LINK_VERSION_UNSUPPORTED';

/** The one error class of this package; switch on `code`. */
export class NetmapError extends Error {
  override readonly name = 'NetmapError';
  readonly code: NetmapErrorCode;
  /** The part of the input that is wrong, where there are parts. */
  readonly field: string | undefined;

  constructor(code: NetmapErrorCode, message: string, options?: ErrorOptions & { readonly field?: string }) {
    super(message, options);
    this.code = code;
    this.field = options?.field;
  }
}
