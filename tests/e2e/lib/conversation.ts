/** A TCP connection through the tunnel that must outlive what is done to the tunnel. */
import { fileURLToPath } from 'node:url';
import { type Host, waitFor } from '../../lab/index.ts';

export interface Conversation {
  /** Waits for answers to questions that are asked from now on. @throws when the connection has ended */
  goesOn(deadlineMs: number): Promise<void>;
}

const TOOL = fileURLToPath(new URL('conversation.tool.ts', import.meta.url));
/** By its place: hosts have another working directory. */
const LOADER = import.meta.resolve('tsx');
const PORT = '7000';
/** One may have been on its way back. */
const ENOUGH = 3;
const START_LIMIT_MS = 20_000;

/** @param address of the one who answers */
export async function startConversation(from: Host, to: Host, address: string): Promise<Conversation> {
  const command = (role: string): string[] => [process.execPath, '--import', LOADER, TOOL, role, address, PORT];
  const answerer = to.spawn(command('listen'));
  await waitFor('the answerer', () => answerer.stdout() === 'listening\n', START_LIMIT_MS, answerer.output);
  const asker = from.spawn(command('connect'));
  const answers = (): number => asker.stdout().split('\n').length - 1;

  async function goesOn(deadlineMs: number): Promise<void> {
    const wanted = answers() + ENOUGH;
    const isThere = (): boolean => {
      if (!asker.isRunning) throw new Error('the connection has ended');
      return answers() >= wanted;
    };
    await waitFor('answers', isThere, deadlineMs, asker.output);
  }

  await goesOn(START_LIMIT_MS);
  return { goesOn };
}
