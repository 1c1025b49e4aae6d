/** A coordinator in a process of its own: `scale-coordinator.ts STATE_DIR RUNTIME_DIR PORT`; says when it listens. */
import { parsePrefix } from '@pcloud/ip';
import { startCoordinator } from '../../packages/coordinator/src/index.ts';
import { silentLogger } from '../../packages/coordinator/src/log.ts';
import { createNodeCrypto } from '../../packages/daemon/src/crypto/node.ts';

const [stateDir, runtimeDir, port] = process.argv.slice(2);
const coordinator = await startCoordinator(
  {
    stateDir: stateDir!,
    runtimeDir: runtimeDir!,
    listen: [{ address: '127.0.0.1', port: Number(port) }],
    publicUrls: [`https://127.0.0.1:${port}`],
    prefix4: parsePrefix('10.0.0.0/16')!,
    tls: { kind: 'self-signed' },
    trustedProxies: [],
    openRegistration: false,
    program: 'bench',
  },
  { log: silentLogger, crypto: createNodeCrypto() },
);
process.on('SIGTERM', () => void coordinator.close().then(() => process.exit(0)));
process.send!('listening');
