import { loadNative } from '@pcloud/native';
import { addonBesideProgram } from './addon-path.ts';
import type { Hands, HandsOptions } from './hands.ts';
import type { Logger } from './log.ts';
import { createNativeHands } from './native-hands.ts';
import { createPortableHands } from './portable-hands.ts';

/**
 * Opens the interface, and chooses by options and machine who does the work.
 * @throws DaemonError that says what to do
 */
export function createHands(options: HandsOptions, log: Logger): Hands {
  const loaded = loadNative(addonBesideProgram());
  if ('addon' in loaded) return createNativeHands(loaded.addon, options, log);
  log.info({ reason: loaded.reason }, 'no addon; packets go through TypeScript');
  return createPortableHands(loaded.reason, options, log);
}
