import { PROBLEM_CODES, PROBLEMS } from '../core/problem-catalogue.js';

const HEAD = `# Problems

Every refusal is \`application/problem+json\` (RFC 9457). \`code\` is stable and never gets another meaning; \`type\` leads here.
Written by \`npm run openapi\` from src/core/problem-catalogue.ts.

| code | status | what it means | what to do |
| --- | --- | --- | --- |
`;

/** docs/problems.md: the catalogue as a table, by status and then by code. */
export function renderProblems(): string {
  const sorted = PROBLEM_CODES.toSorted((a, b) => PROBLEMS[a].status - PROBLEMS[b].status || (a < b ? -1 : 1));
  const rows = sorted.map((code) => {
    const { status, title, detail, remedy } = PROBLEMS[code];
    return `| <a id="${code.replaceAll('_', '-')}"></a>\`${code}\` | ${status} | **${title}.** ${detail} | ${remedy ?? ''} |\n`;
  });
  return HEAD + rows.join('');
}
