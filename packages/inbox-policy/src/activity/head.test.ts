import { describe, expect, it } from '@jest/globals';
import { activity, ALICE, create, note, OWN_HOST, PEER, rulesWith, VICTIM, verdict } from '../testing/activity.ts';

const RELAY = 'https://relay.example/actor';
const signed = { signature: { type: 'RsaSignature2017', creator: `${ALICE}#main-key`, created: '2026-11-25T12:00:00Z', signatureValue: 'AAAA' } };
const byRelay = { keyHost: 'relay.example', keyId: `${RELAY}#main-key` };

describe('who says what', () => {
  it.each([
    ['an unknown type is dropped, whatever else it is', { type: 'Teleport', id: 1 }, 'ACTIVITY_TYPE'],
    ['no type', { type: undefined }, 'SHAPE'],
    ['type as object', { type: { a: 1 } }, 'SHAPE'],
    ['no types', { type: [] }, 'SHAPE'],
    ['the first of several types', { type: ['Create', 'Delete'] }, 'ok'],
    ['an unknown one before it', { type: ['x:y', 'Create'] }, 'ACTIVITY_TYPE'],
    ['no id', { id: undefined }, 'ID'],
    ['id null', { id: null }, 'ID'],
    ['id in an array', { id: [`https://${PEER}/1`] }, 'ID'],
    ['id as number', { id: 1 }, 'ID'],
    ['id by http', { id: `http://${PEER}/1` }, 'ID'],
    ['id with a port', { id: `https://${PEER}:8443/1` }, 'ID'],
    ['id on an address', { id: 'https://127.0.0.1/1' }, 'ID'],
    ['id with userinfo', { id: `https://${PEER}@${VICTIM}/1` }, 'ID'],
    ['our own id', { id: `https://${OWN_HOST}/1` }, 'OWN_HOST'],
    ['our own id in capitals', { id: `https://${OWN_HOST.toUpperCase()}/1` }, 'OWN_HOST'],
    ['no actor', { actor: undefined }, 'ACTOR'],
    ['actor by http', { actor: `http://${PEER}/u/alice` }, 'ACTOR'],
    ['two actors', { actor: [ALICE, `https://${VICTIM}/u`] }, 'ACTOR'],
    ['no actors', { actor: [] }, 'ACTOR'],
    ['an actor without id', { actor: { type: 'Person' } }, 'ACTOR'],
    ['our own actor', { actor: `https://${OWN_HOST}/users/1` }, 'OWN_HOST'],
    ['an actor as object', { actor: { id: ALICE, type: 'Person', inbox: 'http://10.0.0.1/' } }, 'ok'],
    ['an actor in an array', { actor: [{ id: ALICE }] }, 'ok'],
    ['id of another host', { id: `https://${VICTIM}/1` }, 'ID_HOST'],
    ['id of a subdomain', { id: `https://x.${PEER}/1` }, 'ID_HOST'],
    ['an actor of another host as object', { actor: { id: `https://${VICTIM}/u` } }, 'ID_HOST'],
    ['a homoglyph', { id: `https://${PEER.replace('e', 'е')}/1` }, 'ID_HOST'],
    ['id in capitals', { id: `https://${PEER.toUpperCase()}/1` }, 'ok'],
  ])('%s', (_name, change, expected) => {
    expect(verdict(create(note(), change))).toBe(expected);
  });

  it('a key of the host of the actor may sign, of another host not (Misskey #2546)', () => {
    expect(verdict(create())).toBe('ok');
    expect(verdict(create(), { keyHost: VICTIM })).toBe('SIGNER');
  });

  it.each([
    ['signed by the actor', signed, 'ok'],
    ['signed by somebody else', { signature: { ...signed.signature, creator: `https://${VICTIM}/u#k` } }, 'SIGNER'],
    ['another kind of signature', { signature: { ...signed.signature, type: 'Ed25519Signature2018' } }, 'SIGNER'],
    ['a creator by http', { signature: { ...signed.signature, creator: `http://${PEER}/u/alice#main-key` } }, 'SIGNER'],
    ['no signature value', { signature: { ...signed.signature, signatureValue: undefined } }, 'SIGNER'],
  ])('delivered by another: %s', (_name, change, expected) => {
    expect(verdict(create(note(), change), { keyHost: 'forwarder.example' })).toBe(expected);
  });

  it('the policy for signed documents decides about other deliverers, and relays are taken by name', () => {
    const value = create(note(), signed);
    const reject = rulesWith({ ldPolicy: 'reject' });
    const relays = new Set([RELAY]);
    expect(verdict(value, { ...byRelay, rules: reject })).toBe('LD_POLICY');
    expect(verdict(value, { ...byRelay, rules: rulesWith({ ldPolicy: 'reject', relays }) })).toBe('ok');
    expect(verdict(create(), byRelay)).toBe('SIGNER');
    expect(verdict(create(), { ...byRelay, rules: rulesWith({ relays }) })).toBe('ok');
    expect(verdict(value, { ...byRelay, rules: rulesWith({ ldPolicy: 'pass' }) })).toBe('ok');
  });

  it.each([
    [`${RELAY}#main-key`, 'ok'], [RELAY, 'ok'], [`${RELAY}/main-key`, 'ok'],
    [`${RELAY}2#main-key`, 'SIGNER'], [`${RELAY}/other#main-key`, 'SIGNER'], ['https://relay.example/u/mallory#main-key', 'SIGNER'],
  ])('the key %s of a relay: %s', (keyId, expected) => {
    expect(verdict(create(), { keyHost: 'relay.example', keyId, rules: rulesWith({ relays: new Set([RELAY]) }) })).toBe(expected);
  });

  it('what others forward keeps its own ids', () => {
    expect(verdict(activity('Announce', { ...signed, object: `https://${VICTIM}/n`, id: `https://${VICTIM}/1` }), { keyHost: 'forwarder.example' })).toBe('ID_HOST');
  });
});
