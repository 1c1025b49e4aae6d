import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createAdoptions } from '../src/nodes/adoptions.ts';
import { type NodeRecord, nodePaths, nodeRecord } from '../src/nodes/node-record.ts';
import type { NodeFace } from '../src/operations/nodes.ts';
import { readRecord, type Store } from '../src/store/index.ts';
import { type AccountsRig, actorOf, createAccountsRig, PASSWORD } from '../src/testing/accounts-rig.ts';
import { addNode } from '../src/testing/add-node.ts';
import { createHeldStore } from '../src/testing/held-store.ts';
import { expectCode } from './expect-code.ts';
import { openBrowser } from './http-browser.ts';
import { createHttpRig, type HttpRig, OUTSIDE } from './http-rig.ts';

const NEW_ACCOUNT = { name: 'ann', password: PASSWORD, again: PASSWORD };

async function ownerOf(store: Store, { id }: NodeRecord): Promise<string> {
  return readRecord(nodeRecord, (await store.get(nodePaths.node(id)))!).userId;
}

/** The first owner makes an account on the device that has 127.0.0.1. */
async function setUp({ app, rig }: HttpRig, connection = undefined as Parameters<typeof openBrowser>[1]) {
  const path = `/setup/${await rig.ownerLink.issue()}`;
  const browser = openBrowser(app, connection);
  const form = await (await browser.get(path)).text();
  const made = await browser.submit(path, path, NEW_ACCOUNT);
  assert.is(made.status, 303, await made.text());
  return { form, home: await (await browser.get('/')).text(), ann: (await rig.users.find('ann'))!, browser };
}

async function rigWith(wish: Partial<NodeRecord>, overrides: Parameters<typeof createHttpRig>[0] = {}) {
  const rig = await createHttpRig({ nodeAt: () => 'id-of-laptop1', ...overrides });
  return { rig, node: await addNode(rig.rig.store, 'laptop1', wish) };
}

test('the device on which the first account is made is its owner’s, by the same commit, and the pages say so', async () => {
  const { rig, node } = await rigWith({});
  const before = rig.rig.store.revision;
  const { form, home, ann } = await setUp(rig);
  assert.match(form, 'This device, <strong>laptop1</strong>, becomes yours.');
  assert.match(home, 'This device, <strong>laptop1</strong>, is yours.');
  assert.is(await ownerOf(rig.rig.store, node), ann.id);
  const userRevision = (await rig.rig.store.list(new TextEncoder().encode('users/'))).entries[0]!.revision;
  assert.ok(userRevision > before);
  assert.is((await rig.rig.store.get(nodePaths.node(node.id)))!.revision, userRevision);
  const [adopted] = (await rig.rig.audit.list(10)).filter(({ action }) => action === 'nodes.adopt');
  assert.is(adopted!.actor, `user:${ann.id} node:${node.id}`);
  assert.is(adopted!.subject, `node:${node.id}`);
});

for (const [title, wish] of [
  ['a server', { role: 'server' }],
  ['a device of tags', { tags: ['ci'] }],
] as const) {
  test(`${title} stays the network's when the first account is made on it`, async () => {
    const { rig, node } = await rigWith(wish);
    const { form, home } = await setUp(rig);
    assert.not.match(`${form}${home}`, 'laptop1');
    assert.is(await ownerOf(rig.rig.store, node), '');
  });
}

test('what is opened from outside is on no device, whatever address it claims', async () => {
  const { rig, node } = await rigWith({}, { isTrusted: () => true });
  const { form, home } = await setUp(rig, OUTSIDE);
  assert.not.match(form, 'laptop1');
  assert.not.match(home, 'is yours');
  assert.is(await ownerOf(rig.rig.store, node), '');
});

test('a device that somebody takes at the same moment is not taken twice, and the account is made', async () => {
  const store = createHeldStore(await storeWithNode());
  const rig = createAccountsRig({}, store);
  const adoptions = createAdoptions(rig);
  const secret = await rig.ownerLink.issue();
  store.hold();
  const byLink = rig.ownerLink.redeem(secret, NEW_ACCOUNT, (user) => adoptions.prepare('id-of-laptop1', user));
  const byOther = store.commit({
    compare: [],
    put: [
      { key: nodePaths.node('id-of-laptop1'), value: undefined },
      { key: nodePaths.name('laptop1'), value: undefined },
    ],
  });
  await store.releaseAt(2);
  await byOther;
  assert.is((await byLink).name, 'ann');
  assert.is(await store.get(nodePaths.node('id-of-laptop1')), undefined);
});

async function storeWithNode(): Promise<Store> {
  const { store } = createAccountsRig();
  await addNode(store, 'laptop1');
  return store;
}

test('an account that root makes adopts nothing', async () => {
  const { rig, node } = await rigWith({});
  await rig.deps.operations.run(rig.rig.root, 'users.add', { name: 'ann', role: 'owner', password: PASSWORD });
  assert.is(await ownerOf(rig.rig.store, node), '');
});

test('an owner sees the devices that belong to nobody, and makes one their own by a button', async () => {
  const rig = await createHttpRig();
  const { store } = rig.rig;
  const phone = await addNode(store, 'phone');
  await addNode(store, 'server', { role: 'server' });
  await addNode(store, 'builder', { tags: ['ci'] });
  const { home, ann, browser } = await setUp(rig);
  assert.match(home, /Devices that belong to nobody[\s\S]*<strong>phone<\/strong>, 10\.0\.0\.1/);
  assert.not.match(home, /server<|builder/);
  assert.is((await browser.submit('/', '/adopt', { node: phone.id })).status, 303);
  assert.is(await ownerOf(store, phone), ann.id);
  assert.not.match(await (await browser.get('/')).text(), 'belong to nobody');
});

test('nobody below an owner sees that list or takes a device', async () => {
  const rig = await createHttpRig();
  await addNode(rig.rig.store, 'phone');
  await rig.rig.addUser('eve', 'admin');
  const browser = openBrowser(rig.app);
  await browser.submit('/sign-in', '/sign-in', { name: 'eve', password: PASSWORD });
  assert.not.match(await (await browser.get('/')).text(), 'phone');
  assert.is((await browser.submit('/', '/adopt', { node: 'phone' })).status, 403);
});

async function operationsRig() {
  const { rig, deps } = await createHttpRig();
  const ann = actorOf(await rig.addUser('ann', 'owner'));
  const adopt = (input: object, actor: AccountsRig['root'] = ann): Promise<unknown> =>
    deps.operations.run(actor, 'nodes.adopt', input);
  return { rig, ann, adopt };
}

test('a device is given to whoever is named, and root has to name somebody', async () => {
  const { rig, adopt } = await operationsRig();
  await rig.addUser('bob', 'member');
  await addNode(rig.store, 'phone');
  await addNode(rig.store, 'tablet');
  assert.is(((await adopt({ node: 'phone', user: 'bob' })) as NodeFace).user, 'bob');
  await expectCode(adopt({ node: 'tablet' }, rig.root), 'INPUT_INVALID');
  assert.is(((await adopt({ node: 'tablet', user: 'ann' }, rig.root)) as NodeFace).user, 'ann');
  await expectCode(adopt({ node: 'tablet', user: 'eve' }), 'USER_UNKNOWN');
  await expectCode(adopt({ node: 'radio' }), 'NODE_UNKNOWN');
});

test('what belongs to somebody or to the network cannot be taken; asking again for one’s own changes nothing', async () => {
  const { rig, adopt } = await operationsRig();
  const bob = await rig.addUser('bob', 'member');
  await addNode(rig.store, 'phone', { userId: bob.id });
  await addNode(rig.store, 'server', { role: 'server' });
  await addNode(rig.store, 'laptop');
  await expectCode(adopt({ node: 'phone' }), 'NODE_OWNED');
  await expectCode(adopt({ node: 'server' }), 'NODE_OWNED');
  await adopt({ node: 'laptop' });
  const { revision } = rig.store;
  assert.is(((await adopt({ node: 'laptop' })) as NodeFace).user, 'ann');
  assert.is(rig.store.revision, revision);
});

test('the device of somebody who is no more can be adopted, that of a disabled user cannot', async () => {
  const { rig, adopt } = await operationsRig();
  const [bob, cid] = [await rig.addUser('bob', 'member'), await rig.addUser('cid', 'member')];
  await addNode(rig.store, 'phone', { userId: bob.id });
  await addNode(rig.store, 'tablet', { userId: cid.id });
  await rig.users.remove(rig.root, bob.id);
  await rig.users.setDisabled(rig.root, cid.id, true);
  assert.is(((await adopt({ node: 'phone' })) as NodeFace).user, 'ann');
  await expectCode(adopt({ node: 'tablet' }), 'NODE_OWNED');
  await addNode(rig.store, 'radio');
  await expectCode(adopt({ node: 'radio', user: 'cid' }), 'USER_DISABLED');
});

test.run();
