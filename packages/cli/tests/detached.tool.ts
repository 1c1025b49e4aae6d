/** What `detached.test.ts` runs: starts itself once more in the background, stops that, and says so. */
import { startDetached, stopDetached, tellStarter } from '../src/background.ts';

if (process.argv[2] === 'child') {
  process.once('SIGINT', () => process.exit(0));
  setInterval(() => {}, 1_000);
  tellStarter(process.env, process.argv[3]);
} else {
  const args = ['child', ...process.argv.slice(2)];
  const { child, failure } = await startDetached({ environment: process.env, args, output: 'ignore' });
  await stopDetached(child);
  process.stdout.write(JSON.stringify({ failure, exitCode: child.exitCode }));
}
