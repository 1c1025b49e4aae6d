/** MAC1, MAC2 and cookies: whitepaper 5.4.4 and 5.4.7. */
import { ENDPOINT } from '@pcloud/ip';
import { ascii, equalBytes, isZero } from './bytes.ts';
import { COOKIE_REFRESH_TIME, COOKIE_SECRET_LATENCY } from './constants.ts';
import type { Crypto } from './crypto.ts';
import { COOKIE_REPLY, MESSAGE_TYPE, writeWord } from './messages.ts';

const LABEL_MAC1 = ascii('mac1----');
const LABEL_COOKIE = ascii('cookie--');
const MAC_BYTES = 16;

/** Checks the MACs of messages addressed to us and writes cookie replies. */
export interface CookieChecker {
  /** Constant time. */
  isMac1Valid(message: Uint8Array): boolean;
  /** Whether the message carries the cookie that its source was given. Constant time. */
  isMac2Valid(message: Uint8Array, source: Int32Array, now: number): boolean;
  /** The reply that hands the sender of `message` its cookie: 64 bytes. */
  createReply(message: Uint8Array, senderIndex: number, source: Int32Array, now: number): Uint8Array;
  destroy(): void;
}

/** @param publicKey our own. */
export function createCookieChecker(
  crypto: Crypto,
  publicKey: Uint8Array,
  random: (out: Uint8Array) => void,
): CookieChecker {
  const mac1Key = crypto.hash(LABEL_MAC1, publicKey);
  const cookieKey = crypto.hash(LABEL_COOKIE, publicKey);
  const secret = new Uint8Array(32);
  const nonce = new Uint8Array(24);
  const sourceBytes = new Uint8Array(18);
  let secretSetAt = Number.NEGATIVE_INFINITY;

  // Cookie := Mac(R_m, source address and port)
  const cookieFor = (source: Int32Array): Uint8Array => crypto.mac(secret, writeSource(source, sourceBytes));

  return {
    isMac1Valid(message) {
      const mac1At = message.length - 2 * MAC_BYTES;
      return equalBytes(crypto.mac(mac1Key, message.subarray(0, mac1At)), message.subarray(mac1At, mac1At + MAC_BYTES));
    },
    isMac2Valid(message, source, now) {
      if (now - secretSetAt > COOKIE_REFRESH_TIME) return false;
      const mac2At = message.length - MAC_BYTES;
      return equalBytes(crypto.mac(cookieFor(source), message.subarray(0, mac2At)), message.subarray(mac2At));
    },
    createReply(message, senderIndex, source, now) {
      if (now - secretSetAt > COOKIE_REFRESH_TIME) {
        random(secret);
        secretSetAt = now;
      }
      random(nonce);
      const mac1At = message.length - 2 * MAC_BYTES;
      const sealed = crypto.sealX(cookieKey, nonce, cookieFor(source), message.subarray(mac1At, mac1At + MAC_BYTES));
      const reply = new Uint8Array(COOKIE_REPLY.BYTES);
      writeWord(MESSAGE_TYPE.COOKIE_REPLY, reply, 0);
      writeWord(senderIndex, reply, COOKIE_REPLY.RECEIVER);
      reply.set(nonce, COOKIE_REPLY.NONCE);
      reply.set(sealed, COOKIE_REPLY.COOKIE);
      return reply;
    },
    destroy() {
      secret.fill(0);
      secretSetAt = Number.NEGATIVE_INFINITY;
    },
  };
}

/** Writes the MACs of messages to one peer and takes its cookie replies. */
export interface CookieJar {
  /** Fills in MAC1, and MAC2 where a fresh cookie is known, at the end of a handshake message. */
  writeMacs(message: Uint8Array, now: number): void;
  /** Takes a cookie reply; false when we asked for none or it does not verify. */
  handleReply(reply: Uint8Array, now: number): boolean;
  destroy(): void;
}

/** @param publicKey the peer's. */
export function createCookieJar(crypto: Crypto, publicKey: Uint8Array): CookieJar {
  const mac1Key = crypto.hash(LABEL_MAC1, publicKey);
  const cookieKey = crypto.hash(LABEL_COOKIE, publicKey);
  const lastMac1 = new Uint8Array(MAC_BYTES);
  let awaitsReply = false;
  let cookie: Uint8Array | undefined;
  let cookieSetAt = Number.NEGATIVE_INFINITY;

  return {
    writeMacs(message, now) {
      const mac1At = message.length - 2 * MAC_BYTES;
      const mac2At = message.length - MAC_BYTES;
      lastMac1.set(crypto.mac(mac1Key, message.subarray(0, mac1At)));
      message.set(lastMac1, mac1At);
      awaitsReply = true;
      // The responder may have changed its secret while the reply was under way: use it a little shorter.
      const isFresh = cookie !== undefined && now - cookieSetAt < COOKIE_REFRESH_TIME - COOKIE_SECRET_LATENCY;
      if (isFresh) message.set(crypto.mac(cookie!, message.subarray(0, mac2At)), mac2At);
      else message.fill(0, mac2At);
    },
    handleReply(reply, now) {
      if (!awaitsReply) return false;
      const nonce = reply.subarray(COOKIE_REPLY.NONCE, COOKIE_REPLY.COOKIE);
      const opened = crypto.openX(cookieKey, nonce, reply.subarray(COOKIE_REPLY.COOKIE), lastMac1);
      if (opened === undefined || opened.length !== MAC_BYTES || isZero(lastMac1)) return false;
      awaitsReply = false;
      cookie = opened;
      cookieSetAt = now;
      return true;
    },
    destroy() {
      cookie?.fill(0);
      cookie = undefined;
    },
  };
}

// Source address and port as they are on the wire; the port counts, or all behind one NAT share a cookie.
function writeSource(source: Int32Array, out: Uint8Array): Uint8Array {
  const addressBytes = source[ENDPOINT.FAMILY] === 6 ? 16 : 4;
  out.set(new Uint8Array(source.buffer, source.byteOffset + ENDPOINT.ADDRESS * 4, addressBytes));
  const port = source[ENDPOINT.PORT]!;
  out[addressBytes] = port >>> 8;
  out[addressBytes + 1] = port;
  return out.subarray(0, addressBytes + 2);
}
