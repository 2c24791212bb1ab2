import { expect, test } from "vitest";
import { barChart, lineChart } from "../../../../scripts/bench/report/chart.ts";

const bars = [
  { label: "a & b", value: 2, text: "2.0", ours: true },
  { label: "c", value: 4, text: "more than 4.0", ours: false, open: true },
];

test("bars are as long as their values, and the longest fills its room", () => {
  const lengths = [...barChart("t", [{ heading: "h", bars }]).matchAll(/<rect [^>]*width="([\d.]+)"/g)];
  expect(lengths.map(([, width]) => Number(width))).toEqual([210, 420]);
});

test("our bars are marked, bounds are drawn open, and text is escaped", () => {
  const svg = barChart("seconds < minutes", [{ heading: "h", bars }]);
  expect(svg.match(/<rect class="[^"]*"/g)).toEqual(['<rect class="ours"', '<rect class="other open"']);
  expect(svg).toContain("<title>seconds &lt; minutes</title>");
  expect(svg).toContain(">a &amp; b</text>");
});

test("a dark system gets colours of its own", () => {
  expect(barChart("t", [])).toContain("@media (prefers-color-scheme: dark)");
});

test("lines begin where both axes are zero", () => {
  const series = [
    {
      name: "n",
      ours: true,
      points: [
        [0, 0],
        [30, 20],
      ] as const,
    },
  ];
  const svg = lineChart("t", { x: "hosts", y: "seconds" }, series);
  expect(svg).toContain('d="M60 300L570 24"');
  expect(svg.match(/<circle/g)).toHaveLength(2);
});
