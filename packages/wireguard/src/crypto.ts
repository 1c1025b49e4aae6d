/**
 * What a provider of cryptography must do. `noble` is the reference; every other provider is held to the
 * same vectors and to it. Nothing here throws on input from the network.
 */
export interface Crypto {
  /** `noble`, `node` or `native`: shown in logs and chosen by `--crypto`. */
  readonly name: string;

  /** X25519 public key (32 bytes) of a private key (32 bytes, clamped or not). RFC 7748. */
  publicKey(privateKey: Uint8Array): Uint8Array;

  /** X25519 shared secret, 32 bytes, or `undefined` when the result is all zeros (a low-order point). */
  sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;

  /** BLAKE2s-256 of the concatenated parts. RFC 7693. */
  hash(...parts: readonly Uint8Array[]): Uint8Array;

  /** Keyed BLAKE2s-128 (16 bytes) of the concatenated parts, key of up to 32 bytes. RFC 7693. */
  mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;

  /** HMAC-BLAKE2s (32 bytes, block of 64) of the concatenated parts. */
  hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;

  /** ChaCha20-Poly1305 under counter 0, for handshakes: ciphertext and tag. RFC 8439. */
  seal(key: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array;

  /** The plaintext of `seal`, or `undefined` when it does not verify or is shorter than a tag. */
  open(key: Uint8Array, ciphertext: Uint8Array, associatedData: Uint8Array): Uint8Array | undefined;

  /** XChaCha20-Poly1305 with a 24-byte nonce, for cookies. */
  sealX(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array;

  /** The plaintext of `sealX`, or `undefined`. */
  openX(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array, associatedData: Uint8Array): Uint8Array | undefined;

  /** A transport key, ready for many packets. The provider copies the 32 key bytes. */
  createTransportKey(key: Uint8Array): TransportKey;
}

/**
 * ChaCha20-Poly1305 for transport messages: empty associated data, the nonce is four zero bytes and the
 * 64-bit counter, which comes in two unsigned halves.
 */
export interface TransportKey {
  /** Seals in place: `length` bytes of `buffer` at `at`, the tag behind them. The caller left 16 bytes of room. */
  seal(buffer: Uint8Array, at: number, length: number, counterLow: number, counterHigh: number): void;

  /** Opens in place: `length` bytes of ciphertext and tag at `at`. False, and the bytes undefined, when it does not verify. */
  open(buffer: Uint8Array, at: number, length: number, counterLow: number, counterHigh: number): boolean;

  /** Zeroes the key. The object is of no use afterwards. */
  destroy(): void;
}
