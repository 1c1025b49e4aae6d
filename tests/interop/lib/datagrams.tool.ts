/**
 * Sends the datagrams of a file to one address, and counts what comes back.
 *
 *   datagrams FILE ADDRESS PORT
 *
 * FILE holds records: length as a 16-bit big-endian number, then the bytes. Prints the datagrams sent and
 * the bytes that came back within a third of a second.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';

const [file, address, port] = process.argv.slice(2);
const records = readFileSync(file!);
const socket = createSocket(address!.includes(':') ? 'udp6' : 'udp4');
let returnedBytes = 0;
let sent = 0;
socket.on('message', (answer) => {
  returnedBytes += answer.length;
});

for (let at = 0; at < records.length; sent++) {
  const length = records.readUInt16BE(at);
  const datagram = records.subarray(at + 2, at + 2 + length);
  await new Promise((done) => socket.send(datagram, Number(port), address, done));
  at += 2 + length;
}
setTimeout(() => {
  process.stdout.write(`${JSON.stringify({ sent, returnedBytes })}\n`);
  socket.close();
}, 333);
