/**
 * Both ends of a TCP connection that carries a stream of known bytes each way.
 *
 *   transfer listen ADDRESS PORT BYTES    prints "listening", then a line of JSON
 *   transfer connect ADDRESS PORT BYTES   prints a line of JSON
 *
 * The JSON has the SHA-256 and the count of what was received, and the SHA-256 of what was expected.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';

const [role, address, port, bytes] = process.argv.slice(2);

/** The stream that a role sends: AES-CTR over zeros, under a key that names the role. */
function stream(sender: string): Buffer {
  const cipher = createCipheriv('aes-128-ctr', createHash('md5').update(sender).digest(), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(Number(bytes)));
}

function exchange(socket: Socket, own: string, other: string, done: () => void): void {
  const hash = createHash('sha256');
  let received = 0;
  socket.on('data', (chunk) => {
    hash.update(chunk);
    received += chunk.length;
  });
  socket.on('end', () => {
    const expected = createHash('sha256').update(stream(other)).digest('hex');
    process.stdout.write(`${JSON.stringify({ received, sha256: hash.digest('hex'), expected })}\n`);
    done();
  });
  socket.end(stream(own));
}

if (role === 'listen') {
  const server = createServer({ allowHalfOpen: true }, (socket) =>
    exchange(socket, 'listen', 'connect', () => server.close()),
  );
  server.listen(Number(port), address, () => process.stdout.write('listening\n'));
} else {
  const socket = connect({ port: Number(port), host: address!, allowHalfOpen: true });
  socket.on('connect', () => exchange(socket, 'connect', 'listen', () => {}));
}
