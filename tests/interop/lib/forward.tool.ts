/**
 * A UDP forwarder that holds every datagram for a while, as a long link does, and can repeat it.
 *
 *   forward ADDRESS PORT NEAR_ADDRESS NEAR_PORT FAR_ADDRESS FAR_PORT DELAY_MS [COPIES]
 *
 * The near side sends to PORT and the far side to PORT + 1; what one sends reaches the other DELAY_MS
 * later, COPIES times, from the port that the other sends to. Prints "listening", then a line for each datagram:
 * milliseconds since start, who sent it, type byte, length.
 */
import { createSocket } from 'node:dgram';

const [address, port, nearAddress, nearPort, farAddress, farPort, delay, copies = '1'] = process.argv.slice(2);
const delayMs = Number(delay);
const started = Date.now();
const family = address!.includes(':') ? 'udp6' : 'udp4';
const near = createSocket(family);
const far = createSocket(family);

function pass(sender: string, datagram: Buffer, send: () => void): void {
  process.stdout.write(`${Date.now() - started} ${sender} ${datagram[0]} ${datagram.length}\n`);
  setTimeout(() => {
    for (let copy = 0; copy < Number(copies); copy++) send();
  }, delayMs);
}

near.on('message', (datagram) => pass('near', datagram, () => far.send(datagram, Number(farPort), farAddress)));
far.on('message', (datagram) => pass('far', datagram, () => near.send(datagram, Number(nearPort), nearAddress)));
// a side that is not there answers with ICMP; a link does not care
near.on('error', () => {});
far.on('error', () => {});
far.bind(Number(port) + 1, address, () => near.bind(Number(port), address, () => process.stdout.write('listening\n')));
