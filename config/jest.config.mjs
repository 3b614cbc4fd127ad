// One project per suffix: the suffix tells what a test costs and needs.
import { dirname } from 'node:path';

const rootDir = dirname(import.meta.dirname);
const shared = {
  rootDir,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/config/jest-strip.mjs' },
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/.tools/', '<rootDir>/.run/'],
  modulePathIgnorePatterns: ['<rootDir>/.tools/', '<rootDir>/.run/'],
};

export default {
  rootDir,
  coverageProvider: 'v8',
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testRegex: '(packages|services|scripts|charts|test-vm)/.*(?<!\\.(int|browser|chart|vm))\\.test\\.ts$',
    },
    { ...shared, displayName: 'int', testRegex: '(packages|services|scripts|test-stack|test-sandbox|charts)/.*\\.int\\.test\\.ts$' },
    { ...shared, displayName: 'browser', testRegex: 'test-browser/.*\\.browser\\.test\\.ts$' },
    { ...shared, displayName: 'chart', testRegex: '(test-chart|scripts)/.*\\.chart\\.test\\.ts$' },
    { ...shared, displayName: 'vm', testRegex: 'test-vm/.*\\.vm\\.test\\.ts$' },
    { ...shared, displayName: 'e2e', testRegex: 'test-e2e/tc-.*\\.test\\.ts$' },
  ],
};
