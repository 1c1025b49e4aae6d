import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hashSecret, newSecret } from '../src/accounts/secret.ts';
import { actorOf, createAccountsRig, createSeededRandom, PASSWORD } from '../src/testing/accounts-rig.ts';

test('no secret is in the store, in a list or in the audit log', async () => {
  const rig = createAccountsRig();
  const ownerLink = await rig.ownerLink.issue();
  const ann = await rig.ownerLink.redeem(ownerLink, { name: 'ann', password: PASSWORD });
  const actor = actorOf(ann);
  const session = await rig.sessions.begin(ann, { source: '192.0.2.1', program: '' });
  const invitation = await rig.invitations.create(actor, { role: 'admin' });
  const token = await rig.tokens.create(actor, { reusable: true });
  const { code } = await rig.approvals.request({ machineKey: 'm', nodeKey: 'n', name: 'laptop', source: '192.0.2.1' });
  await rig.approvals.approve(actor, code);
  await rig.passwords.change(actor, ann.id, 'the next password', PASSWORD);
  await rig.tokens.redeem(token.secret);

  const { entries } = await rig.store.list(new Uint8Array());
  const stored = entries.map(({ key, value }) => Buffer.concat([key, Buffer.from('\n'), value]).toString('latin1'));
  const seen = await Promise.all([
    rig.users.list(),
    rig.sessions.list(actor, ann.id),
    rig.invitations.list(actor),
    rig.tokens.list(actor),
    rig.audit.list(1_000),
  ]);
  const text = `${stored.join('\n')}\n${JSON.stringify(seen)}`;
  const secrets = { ownerLink, session: session.secret, invitation: invitation.secret, token: token.secret, code };
  for (const [name, secret] of Object.entries({ ...secrets, PASSWORD, next: 'the next password' })) {
    assert.not.ok(text.includes(secret), `${name} is kept`);
  }
  const hashes = stored.join('\n').match(/\b[0-9a-f]{64}\b/g)!;
  assert.ok(hashes.length >= 4);
  for (const hash of hashes) assert.not.ok(JSON.stringify(seen).includes(hash), 'a hash is shown');
});

test('a secret is of no use as another kind of secret', async () => {
  const secret = newSecret(160, createSeededRandom(9));
  const kinds = ['session', 'invitation', 'owner-link', 'join-token', 'approval'] as const;
  assert.is(new Set(kinds.map((kind) => hashSecret(kind, secret))).size, kinds.length);
  const rig = createAccountsRig();
  const token = await rig.tokens.create(rig.root, {});
  for (const use of [
    () => rig.sessions.check(token.secret),
    () => rig.invitations.look(token.secret),
    () => rig.ownerLink.look(token.secret),
  ]) {
    assert.ok(
      await use().then(
        () => false,
        () => true,
      ),
    );
  }
});

test('a hash is BLAKE2s-256 of what it is for and the secret', () => {
  // As Python's hashlib has it.
  assert.is(hashSecret('session', 'abc'), '64b830361688672bfb586e66b701e03db2c0b745dffa8ea2dd151c57204b324e');
});

test.run();
