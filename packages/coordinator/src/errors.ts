/** What can go wrong between the coordinator and who asks it, with the status HTTP answers with. */
const STATUSES = {
  ADDRESS_INVALID: 400,
  BACKUP_INVALID: 400,
  INPUT_INVALID: 400,
  KEY_PROOF_INVALID: 400,
  KIT_INVALID: 400,
  NAME_INVALID: 400,
  PASSWORD_WEAK: 400,
  POLICY_INVALID: 400,
  POLICY_TESTS_FAILED: 400,
  CREDENTIALS_WRONG: 401,
  SESSION_ENDED: 401,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  KEY_EXPIRED: 403,
  /** Pages answer inside the network only. */
  CONSOLE_INSIDE: 403,
  CROSS_SITE: 403,
  CSRF_INVALID: 403,
  REGISTRATION_CLOSED: 403,
  USER_DISABLED: 403,
  APPROVAL_UNKNOWN: 404,
  INVITATION_UNKNOWN: 404,
  /** No network of this machine's own. */
  NETWORK_UNKNOWN: 404,
  NODE_UNKNOWN: 404,
  OPERATION_UNKNOWN: 404,
  ROUTE_UNKNOWN: 404,
  SESSION_UNKNOWN: 404,
  TOKEN_UNKNOWN: 404,
  USER_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  /** Somebody else changed the same thing at the same moment: asking again is safe. */
  CONFLICT: 409,
  INVITATION_USED: 409,
  KEY_IN_USE: 409,
  KIT_CONFIRMED: 409,
  KIT_OTHER: 409,
  LAST_OWNER: 409,
  NAME_TAKEN: 409,
  NODE_OWNED: 409,
  OWNER_EXISTS: 409,
  APPROVAL_DECIDED: 409,
  APPROVAL_EXPIRED: 410,
  INVITATION_EXPIRED: 410,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  HOST_UNKNOWN: 421,
  UPGRADE_REQUIRED: 426,
  RATE_LIMITED: 429,
  FAILED: 500,
  /** Files, or what an authority was asked for. */
  CERTIFICATE_INVALID: 500,
  LISTEN_FAILED: 500,
  KEY_FILE_INVALID: 500,
  STATE_MISMATCH: 500,
  /** The store is of a version that this program does not know. */
  STATE_NEWER: 500,
  /** There is a network where one was to be put back. */
  STATE_EXISTS: 500,
  /** The store could not keep a change, or read. */
  STORE_FAILED: 507,
  READ_ONLY: 503,
  /** Nobody answers at the coordinator's socket. */
  NOT_RUNNING: 503,
  ALREADY_RUNNING: 500,
} as const;

export type CoordinatorErrorCode = keyof typeof STATUSES;

/** Whether what another process answered with is one of them. */
export function isCoordinatorErrorCode(code: string): code is CoordinatorErrorCode {
  return Object.hasOwn(STATUSES, code);
}

export interface CoordinatorErrorOptions extends ErrorOptions {
  /** When asking again is of use. */
  readonly retryAfterMs?: number;
}

/** The one error class of this package beside `StoreError`; switch on `code`. The message is for who asked. */
export class CoordinatorError extends Error {
  override readonly name = 'CoordinatorError';
  readonly code: CoordinatorErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: CoordinatorErrorCode, message: string, options: CoordinatorErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Of HTTP. */
  get status(): number {
    return STATUSES[this.code];
  }
}
