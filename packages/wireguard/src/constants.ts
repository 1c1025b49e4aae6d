/** The whitepaper's constants under its own names (sections 6.1–6.5), times in milliseconds. */

export const REKEY_AFTER_TIME = 120_000;
export const REJECT_AFTER_TIME = 180_000;
export const REKEY_ATTEMPT_TIME = 90_000;
export const REKEY_TIMEOUT = 5_000;
export const KEEPALIVE_TIMEOUT = 10_000;

/** 2^60, as the high half of a counter. */
export const REKEY_AFTER_MESSAGES_HIGH = 0x1000_0000;
/** 2^64 − 2^13 − 1: the low half from which a counter with a high half of all ones is refused. */
export const REJECT_AFTER_MESSAGES_LOW = 0xffff_dfff;

/** Retransmissions before giving up: REKEY_ATTEMPT_TIME / REKEY_TIMEOUT. */
export const MAX_HANDSHAKE_RETRIES: number = REKEY_ATTEMPT_TIME / REKEY_TIMEOUT;
/** Both handshake timers are spread by up to this much, so that two sides do not stay in step. */
export const REKEY_TIMEOUT_JITTER = 334;
/** An initiation that follows another one of the same peer sooner than this is a flood. */
export const HANDSHAKE_INITIATION_INTERVAL = 20;

/** Cookie secrets live this long (whitepaper 5.4.7); a received cookie is used a little shorter. */
export const COOKIE_REFRESH_TIME = 120_000;
export const COOKIE_SECRET_LATENCY = 5_000;

/** How long an unanswered initiation can still be answered: two are in flight, one every REKEY_TIMEOUT. */
export const INITIATION_LIFETIME: number = 2 * REKEY_TIMEOUT;

export const KEY_BYTES = 32;
export const TAG_BYTES = 16;
export const STAMP_BYTES = 12;
/** Header of a transport message: type, receiver index, counter. */
export const TRANSPORT_HEADER_BYTES = 16;
/** Bytes that a transport message adds to the padded packet. */
export const TRANSPORT_OVERHEAD_BYTES = 32;

/** DSCP AF41, ECN 0: handshake messages go before bulk traffic. */
export const HANDSHAKE_TOS = 0x88;

export const MAX_PEERS = 65_536;
export const DEFAULT_MTU = 1420;
