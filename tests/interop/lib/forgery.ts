import { randomBytes } from 'node:crypto';
import { blake2s } from '@noble/hashes/blake2.js';

/** Bytes of the handshake messages, and where their first MAC stands. */
const INITIATION = { type: 1, bytes: 148, mac1At: 116 } as const;
const RESPONSE = { type: 2, bytes: 92, mac1At: 60 } as const;

/** What a file for the `datagrams` tool holds. */
export function toRecords(datagrams: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    datagrams.flatMap((datagram) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(datagram.length);
      return [length, datagram];
    }),
  );
}

/** A datagram of random bytes whose first four are a type and three reserved bytes. */
export function randomDatagram(type: number, bytes: number, reserved = 0): Buffer {
  const datagram = randomBytes(bytes);
  const head = Buffer.from([type, reserved, reserved, reserved]);
  head.copy(datagram, 0, 0, Math.min(4, bytes));
  return datagram;
}

/** Handshake messages of random bytes behind a first MAC that is right for the receiver (whitepaper 5.4.4). */
export function forge(kind: 'initiation' | 'response', receiver: string, count: number): Buffer[] {
  const { type, bytes, mac1At } = kind === 'initiation' ? INITIATION : RESPONSE;
  const key = blake2s(Buffer.concat([Buffer.from('mac1----'), Buffer.from(receiver, 'base64')]));
  return Array.from({ length: count }, () => {
    const message = randomDatagram(type, bytes);
    message.set(blake2s(message.subarray(0, mac1At), { key, dkLen: 16 }), mac1At);
    message.fill(0, mac1At + 16);
    return message;
  });
}
