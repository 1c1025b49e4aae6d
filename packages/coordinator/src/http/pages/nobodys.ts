/** Devices that joined before there was anybody to own them, and those of people who are no more. */
import { html } from 'hono/html';
import { isOwnable } from '../../nodes/adoptions.ts';
import { GONE_USER } from '../../nodes/registry.ts';
import type { NodeFace } from '../../operations/nodes.ts';
import type { Actor } from '../../operations/operation.ts';
import type { HttpAppDeps } from '../env.ts';
import { csrfInput, type Html } from './layout.ts';

export async function listNobodys(actor: Actor, { operations, nodes }: HttpAppDeps): Promise<NodeFace[]> {
  await nodes();
  const all = (await operations.run(actor, 'nodes.list', {})) as readonly NodeFace[];
  return all.filter((node) => (node.user === '' || node.user === GONE_USER) && isOwnable(node));
}

export function nobodysList(devices: readonly NodeFace[], csrf: string): Html {
  if (devices.length === 0) return html``;
  return html`<h2>Devices that belong to nobody</h2>
<ul>${devices.map((device) => item(device, csrf))}</ul>`;
}

function item({ id, name, addresses }: NodeFace, csrf: string): Html {
  return html`<li><strong>${name}</strong>, ${addresses[0]}
<form method="post" action="/adopt">${csrfInput(csrf)}<input type="hidden" name="node" value="${id}">
<button>Mine</button></form></li>`;
}
