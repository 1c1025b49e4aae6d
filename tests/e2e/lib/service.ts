/** A program that is started again whenever it ends, as a service manager has it. */
import type { Host, LabProcess } from '../../lab/index.ts';
import { sleep } from '../../lab/wait.ts';

export interface Service {
  /** The one that runs, or ran last. */
  readonly process: LabProcess;
  readonly starts: number;
  /** What all of them said, in order. */
  output(): string;
  /** Sends a signal to the one that runs, and returns once it has ended. It is started again. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** Ends it, until `start`. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again after `stop`, with another environment if need be. */
  start(env?: Readonly<Record<string, string>>): void;
}

/** As `RestartSec` of the units that are shipped. Milliseconds. */
const RESTART_MS = 1_000;

export function keepRunning(
  host: Host,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Service {
  const processes: LabProcess[] = [];
  let isWanted = false;

  function run(options: Readonly<Record<string, string>>): void {
    const process = host.spawn(command, { env: options });
    processes.push(process);
    void process.exited.then(async () => {
      await sleep(RESTART_MS);
      if (isWanted && processes.at(-1) === process) run(options);
    });
  }

  function start(options: Readonly<Record<string, string>> = env): void {
    isWanted = true;
    run(options);
  }

  start();
  return {
    get process() {
      return processes.at(-1)!;
    },
    get starts() {
      return processes.length;
    },
    output: () => processes.map((each, index) => `--- start ${index + 1}\n${each.output()}`).join(''),
    async signal(signal) {
      const { process } = this;
      await process.signal(signal);
      await process.exited;
    },
    async stop(signal = 'SIGTERM') {
      isWanted = false;
      await this.process.stop(signal, 10_000);
    },
    start,
  };
}
