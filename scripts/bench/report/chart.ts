/** One bar: a label, a value, and what stands behind it. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Text at the end of the bar. */
  readonly text: string;
  /** A bar of this project. */
  readonly ours: boolean;
  /** The value is only a lower bound: the bar is drawn open. */
  readonly open?: boolean;
}

/** Bars with a heading and a scale of their own. */
export interface Panel {
  readonly heading: string;
  readonly bars: readonly Bar[];
}

/** One line of a chart of points. */
export interface Series {
  readonly name: string;
  readonly ours: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const [width, labelWidth, textWidth, row, gap] = [760, 190, 150, 24, 34];

/** Colours by what stands on, with their counterparts where the reader's system is dark. */
const style = `<style>
    text { font: 13px Helvetica, Arial, sans-serif; fill: #1d2b38 }
    .head { font-weight: bold }
    .soft { fill: #5a6b7b }
    .ours { fill: #1f77b4; stroke: #1f77b4 }
    .other { fill: #a9b7c4; stroke: #a9b7c4 }
    .open { fill: none; stroke-dasharray: 4 3; stroke-width: 1.5 }
    .axis { stroke: #5a6b7b; fill: none }
    .line { fill: none; stroke-width: 2.5 }
    @media (prefers-color-scheme: dark) {
      text { fill: #dbe4ec }
      .soft { fill: #9fb0bf }
      .ours { fill: #5fb0ea; stroke: #5fb0ea }
      .other { fill: #5d6f80; stroke: #5d6f80 }
      .axis { stroke: #9fb0bf }
      .open, .line { fill: none }
    }
  </style>`;

/** Panels of horizontal bars, one below the other. */
export function barChart(title: string, panels: readonly Panel[]): string {
  const parts: string[] = [];
  let y = 8;
  for (const { heading, bars } of panels) {
    y += 20;
    parts.push(`<text class="head" x="8" y="${y}">${escaped(heading)}</text>`);
    const largest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
    for (const bar of bars) {
      y += row;
      const length = round((bar.value / largest) * (width - labelWidth - textWidth));
      const kind = `${bar.ours ? "ours" : "other"}${bar.open ? " open" : ""}`;
      parts.push(
        `<text x="${labelWidth - 8}" y="${y + 4}" text-anchor="end">${escaped(bar.label)}</text>`,
        `<rect class="${kind}" x="${labelWidth}" y="${y - 8}" width="${length}" height="15" rx="2"/>`,
        `<text class="soft" x="${labelWidth + length + 8}" y="${y + 4}">${escaped(bar.text)}</text>`,
      );
    }
    y += gap - 20;
  }
  return picture(title, y + 10, parts);
}

/** Lines through points, both axes from zero. */
export function lineChart(title: string, axes: { x: string; y: string }, series: readonly Series[]): string {
  const [left, right, top, bottom] = [60, 190, 24, 300];
  const all = series.flatMap(({ points }) => points);
  const [xMax, yMax] = [Math.max(...all.map(([x]) => x), 1), niceTop(Math.max(...all.map(([, y]) => y), 0.001))];
  const px = (x: number) => round(left + (x / xMax) * (width - left - right));
  const py = (y: number) => round(bottom - (y / yMax) * (bottom - top));
  const labelled = labelHeights(series.map(({ points }) => py(points.at(-1)?.[1] ?? 0) + 4));
  const xs = [...new Set(all.map(([x]) => x))].sort((a, b) => a - b);
  const parts = [
    `<path class="axis" d="M${left} ${top}V${bottom}H${width - right}"/>`,
    ...xs.map((x) => `<text class="soft" x="${px(x)}" y="${bottom + 18}" text-anchor="middle">${x}</text>`),
    ...[0, 0.25, 0.5, 0.75, 1].map(
      (part) =>
        `<text class="soft" x="${left - 8}" y="${py(yMax * part) + 4}" text-anchor="end">${round(yMax * part)}</text>`,
    ),
    `<text x="${(left + width - right) / 2}" y="${bottom + 38}" text-anchor="middle">${escaped(axes.x)}</text>`,
    `<text x="8" y="14">${escaped(axes.y)}</text>`,
    ...series.flatMap(({ name, ours, points }, index) => {
      const kind = ours ? "ours" : "other";
      const [lastX] = points.at(-1) ?? [0];
      return [
        `<path class="line ${kind}" style="fill:none" d="M${points.map(([x, y]) => `${px(x)} ${py(y)}`).join("L")}"/>`,
        ...points.map(([x, y]) => `<circle class="${kind}" cx="${px(x)}" cy="${py(y)}" r="3.5"/>`),
        `<text x="${px(lastX) + 10}" y="${labelled[index]}">${escaped(name)}</text>`,
      ];
    }),
  ];
  return picture(title, bottom + 50, parts);
}

/** Where labels go whose lines end at some heights: moved down until none stands on another. */
function labelHeights(wanted: readonly number[]): number[] {
  const placed = [...wanted];
  const order = wanted.map((_, index) => index).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  let lowest = Number.NEGATIVE_INFINITY;
  for (const index of order) {
    lowest = Math.max(wanted[index] ?? 0, lowest + 16);
    placed[index] = lowest;
  }
  return placed;
}

function picture(title: string, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    `  <title>${escaped(title)}</title>`,
    `  ${style}`,
    ...parts.map((part) => `  ${part}`),
    "</svg>",
    "",
  ].join("\n");
}

/** The next 1, 2, 4, 6 or 8 times a power of ten. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
