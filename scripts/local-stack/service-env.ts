// What a process of the local stack finds in its environment.

import { ENVIRONMENT, ENVIRONMENT_NAMES, type EnvironmentName, type ServiceName } from '@sekisho/contracts';

/** A service is given only names it knows, so that the whole environment of a test reaches nobody by accident. */
export function environmentOf(service: ServiceName, values: Readonly<Record<string, string>>): Record<string, string> {
  const known = new Set<string>(ENVIRONMENT_NAMES.filter((name) => servicesOf(name).includes(service)));
  return Object.fromEntries(Object.entries(values).filter(([name]) => known.has(name)));
}

const servicesOf = (name: EnvironmentName): readonly ServiceName[] => ENVIRONMENT[name].services;

export const processBasics = (): { readonly PATH: string; readonly HOME: string } => ({ PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/' });
