// README of the chart: what it is for, and its values.

import type { ValueNode } from './values.ts';

const HEAD = `# sekisho

A checkpoint around an unmodified Misskey: everything that crosses the instance's border is inspected, sandboxed and budgeted.

\`\`\`sh
helm install sekisho charts/sekisho --namespace sekisho --create-namespace --values my-values.yaml
helm test sekisho --namespace sekisho
\`\`\`

The least that \`my-values.yaml\` needs, for a Misskey that runs in the namespace \`misskey\`:

\`\`\`yaml
publicUrl: https://social.example
misskey:
  url: http://misskey.misskey.svc:3000
\`\`\`

\`helm install\` prints the lines for Misskey's configuration and what the chosen values leave unprotected. Values that cannot work are
refused with a sentence that says what to write. The defaults run two small Redis instances for evaluation; production brings its own
(\`redis.evaluation.enabled: false\`).

## Values

| value | default | meaning |
| --- | --- | --- |
`;

export function renderChartReadme(root: ValueNode): string {
  const rows = leaves(root).map(({ path, description, fallback }) => `| \`${path}\` | ${shown(fallback)} | ${escape(description)} |`);
  return `${HEAD}${rows.join('\n')}\n`;
}

const leaves = (node: ValueNode): readonly ValueNode[] => (node.children === undefined ? [node] : node.children.flatMap(leaves));
const escape = (text: string): string => text.replaceAll('|', String.raw`\|`);
const shown = (value: unknown): string => (value === '' ? '' : `\`${escape(JSON.stringify(value))}\``);
