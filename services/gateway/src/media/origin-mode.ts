// `origin` asks for the bytes from our own origin, as the cropper of Misskey's client needs. That is served for the
// instance's own files and its object storage alone: anything else would put strangers' files under our name.

/** Whether a canonical URL lies under one of the bases, by path segment: `/files` does not hold `/files-of-others`. */
export function createStorageCheck(bases: readonly string[]): (url: string) => boolean {
  const known = bases.map((base) => new URL(base)).map(({ origin, pathname }) => ({ origin, prefix: pathname.replace(/\/*$/, '/') }));
  return (text) => {
    const url = URL.parse(text);
    return url !== null && known.some(({ origin, prefix }) => url.origin === origin && url.pathname.startsWith(prefix));
  };
}
