/**
 * Both ends of one TCP connection on which questions are answered in turn.
 *
 *   conversation listen ADDRESS PORT     prints "listening"
 *   conversation connect ADDRESS PORT    prints the number of each answer, and ends with 1 when the connection does
 */
import { connect, createServer } from 'node:net';

const [role, address, port] = process.argv.slice(2);
const PAUSE_MS = 50;

if (role === 'listen') {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  server.listen(Number(port), address, () => process.stdout.write('listening\n'));
} else {
  const socket = connect({ port: Number(port), host: address! });
  let number = 0;
  let received = '';
  const ask = (): void => void socket.write(`${++number}\n`);
  socket.setEncoding('utf8');
  socket.on('connect', ask);
  socket.on('data', (text: string) => {
    received += text;
    if (received !== `${number}\n`) return;
    process.stdout.write(received);
    received = '';
    setTimeout(ask, PAUSE_MS);
  });
  socket.on('error', (error) => process.stderr.write(`${error.message}\n`));
  socket.on('close', () => process.exit(1));
}
