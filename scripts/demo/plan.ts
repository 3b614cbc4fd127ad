// What the demo shows: pictures that pass and attacks that do not. The strangers' hosts are names of the demo's own DNS.

import { BOMB_NAMES, type BombName, type PictureName, makeBomb, makePicture } from '@sekisho/testkit';

export interface DemoPicture {
  readonly title: string;
  readonly name: PictureName;
  readonly flags: string;
}

export const DEMO_PICTURES: readonly DemoPicture[] = [
  { title: 'emoji (PNG)', name: 'png-emoji', flags: '&emoji=1' },
  { title: 'avatar (PNG)', name: 'png-avatar', flags: '&avatar=1' },
  { title: 'photo (JPEG)', name: 'jpeg-photo', flags: '&static=1' },
  { title: 'turned photo (EXIF)', name: 'jpeg-orientation-6', flags: '&avatar=1' },
  { title: 'CMYK photo', name: 'jpeg-cmyk', flags: '&preview=1' },
  { title: 'animation (GIF)', name: 'gif-endless', flags: '&emoji=1' },
  { title: 'animation (WebP)', name: 'webp-animated', flags: '&emoji=1' },
  { title: 'animation (APNG)', name: 'apng-small', flags: '&emoji=1' },
  { title: 'picture (AVIF)', name: 'avif-still', flags: '&preview=1' },
  { title: 'icon (ICO)', name: 'ico-png', flags: '&emoji=1' },
  { title: 'bitmap (BMP)', name: 'bmp', flags: '&emoji=1' },
  { title: 'drawing (SVG)', name: 'svg', flags: '' },
];

export interface DemoAttack {
  readonly id: string;
  readonly title: string;
  /** `{o}` is the host and port of the picture server, `{port}` its port, `{self}` the instance, `{n}` a counter. */
  readonly url: string;
  readonly flags: string;
  readonly times: number;
  /** Pause before each further request. */
  readonly everyMs?: number;
  /** Sent all at once by the demo itself: a browser holds back after six. */
  readonly outside?: true;
}

/** A resolver answers twice from one answer that may be kept for no time, when both questions come in the same second. */
const REBINDING_MS = 2_100;

export const DEMO_ATTACKS: readonly DemoAttack[] = [
  { id: 'private', title: 'private address', url: 'http://169.254.169.254/latest/meta-data/', flags: '', times: 1 },
  { id: 'name', title: 'name of a private address', url: 'http://inside.peer.example/', flags: '&emoji=1', times: 1 },
  { id: 'rebinding', title: 'DNS rebinding', url: 'http://rebind.peer.example:{port}/picture/svg?{n}', flags: '&emoji=1', times: 2, everyMs: REBINDING_MS },
  { id: 'redirect', title: 'redirect inside', url: 'http://{o}/redirect-inside', flags: '&emoji=1', times: 1 },
  { id: 'bomb', title: 'pixel bomb', url: 'http://{o}/bomb/png-16000?{n}', flags: '&emoji=1', times: 1 },
  { id: 'svg', title: 'SVG filter bomb', url: 'http://{o}/bomb/svg-filter', flags: '', times: 1 },
  { id: 'loop', title: 'loop to ourselves', url: '{self}/proxy/a?url={self}/proxy/b', flags: '', times: 1 },
  { id: 'flood', title: 'flood of 40 bombs', url: 'http://{o}/bomb/svg-filter?{n}', flags: '&avatar=1', times: 40, outside: true },
];

/** Bytes of `/picture/<name>` and `/bomb/<name>`; undefined for anything else. */
export async function demoFile(path: string): Promise<Buffer | undefined> {
  const [, kind, name] = path.split('/');
  if (kind === 'picture') {
    const picture = DEMO_PICTURES.find((entry) => entry.name === name);
    return picture === undefined ? undefined : await makePicture(picture.name);
  }
  const bomb: BombName | undefined = kind === 'bomb' ? BOMB_NAMES.find((entry) => entry === name) : undefined;
  return bomb === undefined ? undefined : await makeBomb(bomb);
}
