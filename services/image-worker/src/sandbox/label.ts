// AppArmor labels as the kernel writes them: `image-worker-0123456789ab (enforce)`, stacked ones joined by `//&`.

export interface Label {
  readonly name: string;
  /** `enforce`, `complain`, `mixed`, …; undefined for `unconfined`. */
  readonly mode: string | undefined;
}

/** Text of /proc/PID/attr/current; undefined where the kernel has no AppArmor or another module answers. */
export function parseLabel(text: string): Label | undefined {
  const match = /^(?<name>[^\s\0][^\n\0]*?)(?: \((?<mode>[a-z]+)\))?[\n\0]*$/.exec(text);
  const name = match?.groups?.['name'];
  return name === undefined ? undefined : { name, mode: match?.groups?.['mode'] };
}

const OWN = /^image-worker-[0-9a-f]{12}$/;

/** The profile of the worker itself; every other label is somebody else's and says nothing about decoders. */
export const isWorkerProfile = ({ name }: Label): boolean => OWN.test(name);
/** The profile that the launcher asks for. */
export const decoderProfile = (worker: string): string => `${worker}//decoder`;
/** What the kernel then says of a decoder: both profiles at once, so that neither can allow what the other forbids. */
export const decoderLabel = (worker: string): string => `${worker}//&${decoderProfile(worker)}`;
