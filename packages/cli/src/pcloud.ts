import { guardOutput } from './output.ts';
import { runCli } from './run.ts';
import { createSystemContext } from './system-context.ts';

guardOutput('pcloud');
void runCli(process.argv.slice(2), createSystemContext()).then((code) => {
  process.exitCode = code;
});
