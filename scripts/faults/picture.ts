import { byGroup } from "./cases.ts";
import type { FaultResult } from "./results.ts";

const line = 22;
const left = 330;
const width = 960;

/** docs/faults.svg: for each case in which access mattered, the seconds without a way in. */
export function accessPicture(results: readonly FaultResult[]): string {
  const cases = results
    .filter(({ accessBack }) => accessBack !== undefined)
    .sort((one, other) => byGroup(one.id, other.id));
  const longest = Math.max(10, ...cases.map(({ accessBack }) => accessBack ?? 0));
  const scale = (seconds: number) => Math.round(((width - left - 90) * seconds) / longest);
  const height = 60 + cases.length * line;
  const rows = cases.map(({ id, accessBack = 0, outcome }, index) => {
    const y = 44 + index * line;
    const colour = outcome === "held" ? "#3b7ea1" : "#b3261e";
    return [
      `  <text x="${left - 10}" y="${y + 12}" text-anchor="end">${escaped(id)}</text>`,
      `  <rect x="${left}" y="${y}" width="${Math.max(2, scale(accessBack))}" height="15" rx="2" fill="${colour}" />`,
      `  <text x="${left + Math.max(2, scale(accessBack)) + 8}" y="${y + 12}">${accessBack} s</text>`,
    ].join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#1d2b38">
  <title>Seconds without a way in, by case</title>
  <rect width="${width}" height="${height}" fill="#ffffff" />
  <text x="${left}" y="26" font-weight="bold">Seconds without a way in (blue: held, red: failed)</text>
${rows.join("\n")}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
