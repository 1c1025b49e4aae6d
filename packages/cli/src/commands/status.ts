import type { Command } from 'commander';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { readMeshStatus } from '../daemon/mesh-status.ts';
import { isRootHere } from '../seed/root.ts';
import { formatMesh } from '../texts/mesh.ts';
import { REMINDER } from '../texts/welcome.ts';

export function addStatus(program: Command, context: CliContext): void {
  const command = program.command('status').description('show this device, the nodes it sees, and how it reaches them');
  addExamples(command, [
    ['pcloud status', 'for people'],
    ['pcloud status --json | jq .peers', 'for programs'],
  ]);
  onCall(command, context, async ({ settings, answer }) => {
    const status = await readMeshStatus(settings);
    const text = formatMesh(status, context.columns);
    answer(status, isRootHere(settings) ? `${text}\n${REMINDER}\n` : text);
  });
}
