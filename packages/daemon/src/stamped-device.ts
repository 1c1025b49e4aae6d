import type { Device } from '@pcloud/wireguard';
import type { Logger } from './log.ts';
import type { StampStore } from './stamp-store.ts';

/** A device whose handshake stamps are kept for its keys. */
export interface StampedDevice {
  /** The device: as soon as it is given a key it knows which stamps that key has used before. */
  readonly device: Device;
  /** Keeps a reserved stamp for the key that the device has. */
  keepStamp(reserved: Uint8Array): void;
  /** Keeps what was used in place of what was reserved, so that the next start is not ahead. Nothing is sent afterwards. */
  keepLatest(): void;
}

export function createStampedDevice(inner: Device, stamps: StampStore, log: Logger): StampedDevice {
  /** What this process has reserved: a device reserves for all its keys at once. */
  let latest: Uint8Array | undefined;

  function keepStamp(reserved: Uint8Array): void {
    latest = reserved;
    if (inner.publicKey) stamps.save(inner.publicKey, reserved);
  }

  // Without a reservation of this process no stamp was used, and the bound of an earlier one stands.
  function keepLatest(): void {
    const used = latest && inner.copyLatestStamp();
    if (used && inner.publicKey) stamps.save(inner.publicKey, used);
  }

  function recall(publicKey: Uint8Array): void {
    const known = reserve(stamps.load(publicKey));
    // A key that comes later uses stamps below the same bound, of which the device tells only once.
    if (latest && (!known || Buffer.compare(known, latest) < 0)) stamps.save(publicKey, latest);
  }

  /** A file that holds something else must not keep the key from being set. */
  function reserve(known: Uint8Array | undefined): Uint8Array | undefined {
    try {
      if (known) inner.reserveStamps(known);
      return known;
    } catch {
      log.warn({}, 'what is kept as a handshake stamp is none; it is not used');
      return undefined;
    }
  }

  const device = Object.create(inner, {
    setPrivateKey: {
      value(privateKey: Uint8Array | undefined, now: number): void {
        inner.setPrivateKey(privateKey, now);
        if (inner.publicKey) recall(inner.publicKey);
      },
    },
    replacePrivateKey: {
      value(privateKey: Uint8Array, now: number): void {
        keepLatest();
        inner.replacePrivateKey(privateKey, now);
        if (inner.publicKey) recall(inner.publicKey);
      },
    },
  }) as Device;
  return { device, keepStamp, keepLatest };
}
