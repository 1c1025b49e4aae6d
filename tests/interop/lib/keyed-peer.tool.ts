/**
 * A peer whose ephemeral keys are no secret: it makes a handshake, sends a ping, prints "answered" for the
 * answer, and writes every key to a file that Wireshark reads.
 *
 *   keyed-peer PRIVATE_KEY PEER_PUBLIC_KEY PEER_ADDRESS PEER_PORT PORT FROM TO KEY_FILE
 *
 * Keys are base64, FROM and TO IPv4 addresses inside the tunnel.
 */
import { randomFillSync } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { appendFileSync } from 'node:fs';
import { createEndpoint, internetChecksum, parseAddress } from '@pcloud/ip';
import {
  createBatch,
  createDevice,
  createFrameSealer,
  createNobleCrypto,
  DATAGRAM,
  FRAME,
  openDatagrams,
  REGIONS,
  type TransportKey,
} from '@pcloud/wireguard';

const [privateKey, publicKey, address, port, ownPort, from, to, keyFile] = process.argv.slice(2);
const socket = createSocket('udp4');
const batch = createBatch();
const crypto = createNobleCrypto();
const keys: (TransportKey | undefined)[] = [];
const send = (datagram: Uint8Array): void => socket.send(datagram, Number(port), address);

const seal = createFrameSealer({
  batch,
  keyAt: (slot) => keys[slot],
  sendRun: (offset, length) => send(batch.bytes.slice(offset, offset + length)),
});

/** Randomness that is written down: whatever becomes an ephemeral key stands in the file. */
function random(out: Uint8Array): void {
  randomFillSync(out);
  for (let at = 0; at + 32 <= out.length; at += 32) {
    const candidate = Buffer.from(out.subarray(at, at + 32)).toString('base64');
    appendFileSync(keyFile!, `LOCAL_EPHEMERAL_PRIVATE_KEY = ${candidate}\n`);
  }
}

const device = createDevice(
  {},
  {
    crypto,
    batch,
    random,
    wallMs: Date.now,
    keys: {
      installKey: (slot, key) => {
        keys[slot] = crypto.createTransportKey(key);
      },
      removeKey: (slot) => {
        keys[slot] = undefined;
      },
    },
  },
);

function drain(now: number): void {
  for (;;) {
    const output = device.pollOutput(now);
    if (output.kind === 'timeout') return;
    if (output.kind === 'transmit') send(output.datagram);
    if (output.kind === 'frames') {
      seal(output.count);
      device.handleSent(output.count, now);
    }
  }
}

/** An echo request in the first frame of the batch. */
function writePing(): void {
  const packet = Buffer.alloc(84);
  packet.set([0x45, 0, 0, 84, 0, 1, 0, 0, 64, 1]);
  packet.set(parseAddress(from!)!, 12);
  packet.set(parseAddress(to!)!, 16);
  packet.writeUInt16BE(internetChecksum(packet, 0, 20), 10);
  packet.set([8, 0, 0, 0, 0, 7, 0, 1], 20);
  packet.writeUInt16BE(internetChecksum(packet, 20, 64), 22);
  const offset = REGIONS.TUN + 64;
  batch.bytes.set(packet, offset);
  batch.frames.fill(0, 0, FRAME.WORDS);
  batch.frames[FRAME.OFFSET] = offset;
  batch.frames[FRAME.LENGTH] = packet.length;
  batch.frames[FRAME.SEGMENTS] = 1;
}

socket.on('message', (datagram) => {
  const now = performance.now();
  batch.bytes.set(datagram, REGIONS.UDP);
  const word = (at: number): number => (datagram.length >= at + 4 ? datagram.readInt32LE(at) : 0);
  const { datagrams, endpoints } = batch;
  datagrams.fill(0, 0, DATAGRAM.WORDS);
  datagrams[DATAGRAM.OFFSET] = REGIONS.UDP;
  datagrams[DATAGRAM.LENGTH] = datagram.length;
  for (const [field, at] of [
    ['TYPE', 0],
    ['RECEIVER', 4],
    ['COUNTER_LOW', 8],
    ['COUNTER_HIGH', 12],
  ] as const) {
    datagrams[DATAGRAM[field]] = word(at);
  }
  endpoints.set(createEndpoint(parseAddress(address!)!, Number(port)), 0);
  device.handleDatagrams(1, now);
  openDatagrams(batch, 1, (slot) => keys[slot]);
  device.handleOpened(1, now);
  if (datagrams[DATAGRAM.DELIVER]! > 0) process.stdout.write('answered\n');
  drain(now);
});

socket.bind(Number(ownPort), () => {
  const now = performance.now();
  device.up(now);
  device.setPrivateKey(Buffer.from(privateKey!, 'base64'), now);
  const peer = device.addPeer(Buffer.from(publicKey!, 'base64'), now)!;
  peer.setEndpoint(createEndpoint(parseAddress(address!)!, Number(port)));
  peer.addAllowedIp(parseAddress(to!)!, 32);
  writePing();
  device.handleFrames(1, now);
  seal(1);
  device.handleSent(1, now);
  drain(now);
});
