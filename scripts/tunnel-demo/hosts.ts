/** Two hosts on one cable, each with a tunnel to the other. */
import {
  createKeyPair,
  type Host,
  type KeyPair,
  type Lab,
  pcloudWg,
  startWireGuard,
  wgConf,
} from '../../tests/lab/index.ts';

export const LEFT = 'rpi111';
const RIGHT = 'rpi112';
export const INNER = { left: '10.0.0.1', right: '10.0.0.2' } as const;
const OUTER = { left: '192.168.0.111', right: '192.168.0.112' } as const;
const PORT = 51820;

export const PICTURE: string = `  ┌─ ${LEFT} ─────────────┐                    ┌─ ${RIGHT} ─────────────┐
  │ wg0   ${INNER.left}       │◀══ the tunnel ════▶│ wg0   ${INNER.right}       │
  │ eth0  ${OUTER.left}  │─── the cable ──────│ eth0  ${OUTER.right}  │
  └──────────────────────┘                    └──────────────────────┘`;

interface Side {
  readonly host: Host;
  readonly keys: KeyPair;
  readonly inner: string;
  readonly outer: string;
}

/** Makes the hosts, lays the cable, and starts and configures `pcloud-wg` on each. */
export async function startHosts(lab: Lab): Promise<{ left: Host; right: Host }> {
  const [left, right] = await Promise.all([lab.host(LEFT), lab.host(RIGHT)]);
  await lab.connect(
    { host: left, name: 'eth0', addresses: [`${OUTER.left}/24`] },
    { host: right, name: 'eth0', addresses: [`${OUTER.right}/24`] },
  );
  const leftSide: Side = { host: left, keys: createKeyPair(), inner: INNER.left, outer: OUTER.left };
  const rightSide: Side = { host: right, keys: createKeyPair(), inner: INNER.right, outer: OUTER.right };
  await Promise.all([startSide(leftSide, rightSide), startSide(rightSide, leftSide)]);
  return { left, right };
}

async function startSide({ host, keys, inner }: Side, other: Side): Promise<void> {
  const endpoint = `${other.outer}:${PORT}`;
  const conf = wgConf({ privateKey: keys.privateKey, listenPort: PORT }, [
    { publicKey: other.keys.publicKey, allowedIps: [`${other.inner}/32`], endpoint },
  ]);
  await startWireGuard(host, pcloudWg, 'wg0', { conf, addresses: [`${inner}/24`] });
}
