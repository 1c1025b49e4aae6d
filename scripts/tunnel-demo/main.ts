/**
 * A tunnel between two hosts that live in network namespaces of this machine, shown step by step;
 * `scripts/demo` calls it.
 *
 *     node -C source --import tsx scripts/tunnel-demo/main.ts SECONDS
 *
 * @module
 */
import { median } from '../../bench/lib/numbers.ts';
import { createLab, type Host, iperf3, pcloudWg, ping } from '../../tests/lab/index.ts';
import { formatBandwidth, formatRows } from './figures.ts';
import { INNER, LEFT, PICTURE, startHosts } from './hosts.ts';

const PINGS = 20;
const LOADS = [
  { name: 'TCP, one flow', options: {} },
  { name: 'TCP, eight flows', options: { flows: 8 } },
  { name: 'UDP at 200 Mb/s', options: { udpRate: '200M', lengthBytes: 1_380 } },
] as const;

const NEXT = `Everything is gone again. What to try next:

  scripts/start                        a network of your own, with this machine as its first server
  scripts/demo --seconds 30            longer runs, for figures that mean something
  dist/pcloud-wg --help                what the command takes; docs/pcloud-wg.md is its manual
  README.md, "Three machines"          the same between machines of yours, with wg-quick
  scripts/test                         everything that is tested, on this machine
`;

const seconds = Number(process.argv[2]);
// Before the lab's own: it makes the signal an exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => console.error(`\ndemo: ended by ${signal}; what it made goes with it`));
}
// Whoever read it may have gone away.
process.stdout.on('error', () => process.exit(1));
const lab = createLab();
try {
  step('Two hosts in network namespaces, with a cable between them and pcloud-wg on each:');
  console.log(PICTURE);
  const { left, right } = await startHosts(lab);
  step('Handshake and ping');
  await showHandshake(left);
  await showPing(left);
  step(`iperf3 through the tunnel, ${seconds} s a run`);
  await showThroughput(left, right);
  step(`What ${LEFT} says of it: pcloud-wg status wg0`);
  await showStatus(left);
  await lab.close();
  console.log(`\n${NEXT}`);
} catch (error) {
  await lab.close();
  console.error(`demo: ${error instanceof Error ? error.message.trimEnd() : String(error)}`);
  process.exit(1);
}

function step(title: string): void {
  console.log(`\n${title}\n`);
}

/** The first packet waits for the handshake, so its time tells how long that took. */
async function showHandshake(from: Host): Promise<void> {
  const { rttMs, text } = await ping(from, INNER.right, { waitSeconds: 10 });
  if (rttMs[0] === undefined) throw new Error(`no handshake within 10 s\n${text}`);
  console.log(`  the handshake is complete, and the first answer is here after ${rttMs[0].toFixed(1)} ms`);
}

async function showPing(from: Host): Promise<void> {
  const { sent, received, rttMs, text } = await ping(from, INNER.right, { count: PINGS, intervalSeconds: 0.05 });
  if (received < sent || sent < PINGS) throw new Error(`${received} of ${PINGS} pings were answered\n${text}`);
  console.log(
    `  ping ${INNER.right}: ${received} of ${sent} answered, the median after ${median(rttMs).toFixed(2)} ms`,
  );
}

async function showThroughput(from: Host, to: Host): Promise<void> {
  const rows = [['', 'received', 'lost on the way']];
  for (const { name, options } of LOADS) {
    const result = await iperf3(from, to, INNER.right, { seconds, ...options });
    if (!(result.bitsPerSecond > 0)) throw new Error(`${name}: nothing arrived`);
    const isUdp = 'udpRate' in options;
    const lost = isUdp ? `${result.lostPercent.toFixed(2)} %` : `${result.retransmits} segments, sent again`;
    rows.push([name, formatBandwidth(result.bitsPerSecond), lost]);
  }
  console.log(formatRows(rows));
}

async function showStatus(host: Host): Promise<void> {
  const { stdout } = await host.run([pcloudWg.program, 'status', 'wg0']);
  console.log(stdout.trimEnd().replace(/^(?=.)/gm, '  '));
}
