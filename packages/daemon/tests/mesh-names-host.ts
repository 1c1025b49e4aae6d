/**
 * What tests of names run in processes of their own: `serve ADDRESS`, a server of the internet; `ask SERVER NAME
 * [tcp]`, which prints the addresses it was given; `crash PATH STATE_DIR`, which holds a resolv.conf and dies of
 * an error.
 */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { parseAddress } from '@pcloud/ip';
import { decode, encode, type Packet, streamDecode, streamEncode } from 'dns-packet';
import { createSystemClock } from '../src/clock.ts';
import { createLineLogger } from '../src/log.ts';
import { createSystemNames } from '../src/mesh/names/system-names.ts';
import { createFakeControl, createMap, createNode } from '../src/testing/fake-control.ts';
import { createFakeMachine } from '../src/testing/fake-machine.ts';

const HOSTS: Readonly<Record<string, string>> = {
  'www.example.com': '192.0.2.80',
  'evil.example.com': '10.0.0.1',
};

const [act, ...words] = process.argv.slice(2);
if (act === 'serve') serve(words[0]!);
if (act === 'ask') await ask(words[0]!, words[1]!, words[2] === 'tcp');
if (act === 'crash') crash(words[0]!, words[1]!);

function serve(address: string): void {
  const answer = (query: Packet): Packet => {
    const [question] = query.questions!;
    const data = question!.type === 'A' ? HOSTS[question!.name.toLowerCase()] : undefined;
    const answers = data === undefined ? [] : [{ type: 'A' as const, name: question!.name, ttl: 5, data }];
    return { type: 'response', id: query.id!, questions: query.questions!, answers };
  };
  const udp = createSocket('udp4', (message, from) => {
    udp.send(encode(answer(decode(message))), from.port, from.address);
  });
  udp.bind(53, address, () => console.log('ready'));
  createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => socket.write(streamEncode(answer(streamDecode(chunk)))));
  }).listen(53, address);
}

async function ask(server: string, name: string, overTcp: boolean): Promise<void> {
  const query: Packet = { type: 'query', id: 1, flags: 0x100, questions: [{ type: 'A', name }] };
  const answer = await new Promise<Packet>((resolve, reject) => {
    setTimeout(() => reject(new Error('no answer')), 1_000).unref();
    if (overTcp) {
      const socket = connect(53, server, () => socket.write(streamEncode(query)));
      socket.on('data', (chunk) => resolve(streamDecode(chunk)));
      socket.on('close', () => reject(new Error('no answer')));
      return;
    }
    const socket = createSocket(parseAddress(server)!.length === 4 ? 'udp4' : 'udp6', (message) =>
      resolve(decode(message)),
    );
    socket.send(encode(query), 53, server);
  });
  console.log(answer.answers!.map((each) => ('data' in each ? each.data : '')).join());
  process.exit(0);
}

function crash(resolvConf: string, stateDir: string): void {
  const log = createLineLogger('test', 'verbose', (line) => {
    process.stderr.write(line);
    if (!line.includes('our resolver first')) return;
    setImmediate(() => {
      throw new Error('a bug');
    });
  });
  const names = createSystemNames(
    { stateDir, interfaceName: 'pcloud0', resolvConf, port: 0 },
    { network: createFakeMachine(), clock: createSystemClock(), random: () => {}, log },
  );
  const self = createNode(2, new Uint8Array(32), { addresses: ['127.0.0.1'] });
  names.apply(createMap(createFakeControl(), [self]));
}
