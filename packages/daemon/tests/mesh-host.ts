/**
 * What hosts of `mesh-namespace.test.ts` run: `control PORT`, a coordinator that lets everybody in, or
 * `daemon NAME PORT [TARGET]`. Node 2 is called `n-2` and gets 10.0.0.2.
 */
import { decodeBase64, type MapNode, writeMapMessage } from '@pcloud/netmap';
import { createLineLogger } from '../src/log.ts';
import { startMeshDaemon } from '../src/mesh/start.ts';
import { createFakeControl, createMap, createNode } from '../src/testing/fake-control.ts';
import { serveControl } from '../src/testing/serve-control.ts';

const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const [role, ...words] = process.argv.slice(2);
if (role === 'control') await runControl(words[0]!, Number(words[1]));
else await runDaemon(words[0]!, Number(words[1]), words[2]);

async function runControl(address: string, port: number): Promise<void> {
  const control = createFakeControl(1, `https://${address}:${port}`);
  const nodes = new Map<string, { readonly node: MapNode; endpoints: readonly string[] }>();
  let revision = Math.floor(Date.now() / 1_000);
  control.admit = (session, join) => {
    const number = Number(join.name.replace(/^n-/, ''));
    const key = decodeBase64(join.nodeKey, 32)!;
    const node = createNode(number, key, { name: join.name, role: number === 1 ? 'server' : 'client' });
    nodes.set(session.machineKey, { node, endpoints: join.endpoints });
    session.send({ kind: 'welcome', nodeId: node.id, program: 'test' });
    revision += 1;
    for (const one of control.sessions) {
      const own = one.isOpen ? nodes.get(one.machineKey)?.node : undefined;
      if (own === undefined) continue;
      const others = [...nodes.values()].filter((other) => other.node !== own);
      one.send(writeMapMessage(createMap(control, [own, ...others.map((other) => other.node)], { revision })));
      one.send({
        kind: 'presence',
        nodes: others.map((other) => ({ id: other.node.id, online: true, endpoints: other.endpoints })),
      });
    }
  };
  await serveControl(control, port, address);
  say(control.target('token'));
}

async function runDaemon(name: string, port: number, target: string | undefined): Promise<void> {
  const log = createLineLogger('pcloud0', 'verbose', (line) => void process.stderr.write(line));
  const daemon = await startMeshDaemon(
    {
      name: 'pcloud0',
      nodeName: name,
      port: port === 0 ? undefined : port,
      crypto: undefined,
      bind: undefined,
      offload: true,
      aead: undefined,
      tunDescriptor: undefined,
      stateDir: process.env.PCLOUD_STATE_DIR!,
      runtimeDir: process.env.PCLOUD_RUNTIME_DIR!,
    },
    { log, version: '0.1.0' },
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void daemon.close({ keepInterface: signal === 'SIGTERM' }).then(() => process.exit(0)));
  }
  say(target === undefined ? { kind: 'started' } : await daemon.join(JSON.parse(target)));
}
