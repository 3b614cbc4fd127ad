// Files that an administrator writes, and what is wrong with them by line.
export { type LineOf, nameOf, type Problem, problemsError, schemaProblems } from './problems.ts';
export { type ReadYaml, readYaml } from './read.ts';
