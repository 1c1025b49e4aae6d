/** A TCP connection that says when it was answered, so that its end can be told to the millisecond. */
import { type Host, waitFor } from '../../lab/index.ts';

/** Answers every line with the same line. */
const ECHO = `
import socketserver
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile: self.wfile.write(line)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
Server(('0.0.0.0', 7000), Echo).serve_forever()
`;

/** Says the time in milliseconds of every answer. */
const TALK = `
import socket, sys, time
peer = socket.create_connection((sys.argv[1], 7000), 5)
lines = peer.makefile('rb')
while True:
    peer.sendall(b'x\\n')
    lines.readline()
    print(int(time.time() * 1000), flush=True)
    time.sleep(0.05)
`;

/** Where the host answers. */
export const ECHO_PORT = 7000;

/** Resolves once somebody listens at a TCP port of the host. */
export async function untilListening(host: Host, port: number): Promise<void> {
  await waitFor(`port ${port}`, async () => (await host.run(`ss -Hlnt sport = :${port}`)).stdout !== '', 10_000);
}

/** Has the host answer. */
export async function serveEcho(host: Host): Promise<void> {
  host.write('/run/echo.py', ECHO);
  host.spawn(['python3', '/run/echo.py']);
  await untilListening(host, ECHO_PORT);
}

/** Asks an address twenty times a second. @returns the times of answers so far, in milliseconds of the wall clock */
export function talkTo(from: Host, address: string): Promise<() => number[]> {
  from.write('/run/talk.py', TALK);
  return followTimes(from, ['python3', '/run/talk.py', address]);
}

/** Starts a program that says when something happened, and waits until it happens. */
export async function followTimes(
  host: Host,
  command: readonly string[],
  start: () => unknown = () => undefined,
): Promise<() => number[]> {
  const process = host.spawn(command);
  start();
  const times = (): number[] => process.stdout().trim().split('\n').filter(Boolean).map(Number);
  await waitFor('it to run', () => times().length > 10, 15_000, process.output);
  return times;
}
