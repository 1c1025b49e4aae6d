import { guardOutput } from './output.ts';
import { runCli } from './run.ts';
import { createSystemContext } from './system-context.ts';

guardOutput('pcloud');
// Until it is known how it went: a process that ends before that has not done what it was asked to.
process.exitCode = 1;
void runCli(process.argv.slice(2), createSystemContext()).then((code) => {
  process.exitCode = code;
  // What is open still, a question on the terminal say, keeps nobody waiting; output that nobody has taken yet does.
  const exit = (): void => void (process.stdout.writableLength === 0 && process.exit(code));
  process.stdout.once('drain', exit);
  // After the error of an output that takes nothing.
  setImmediate(exit);
});
