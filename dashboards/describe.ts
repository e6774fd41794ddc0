import { GRID_WIDTH, type Dashboard, type Panel } from "./schema";

/** How large a cell of the grid is in the text. */
const CHARACTERS_PER_COLUMN = 2;
const LINES_PER_ROW = 0.5;

/** Returns a dashboard as text: its title, its description, and its grid with each panel's title and content. */
export function describeDashboard(dashboard: Dashboard): string {
  const height = Math.max(...dashboard.panels.map(({ grid }) => lineOf(grid.y + grid.h)));
  const canvas = Array.from({ length: height + 1 }, () =>
    Array.from({ length: GRID_WIDTH * CHARACTERS_PER_COLUMN + 1 }, () => " "),
  );
  for (const panel of dashboard.panels) draw(canvas, panel);
  const picture = canvas.map((row) => row.join("").trimEnd());
  return [
    dashboard.title,
    dashboard.description.trim(),
    `Opens with the last ${dashboard.last}.`,
    "",
    ...picture,
    "",
  ].join("\n");
}

function draw(canvas: string[][], panel: Panel): void {
  const [left, right] = [
    panel.grid.x * CHARACTERS_PER_COLUMN,
    (panel.grid.x + panel.grid.w) * CHARACTERS_PER_COLUMN,
  ];
  const [top, bottom] = [lineOf(panel.grid.y), lineOf(panel.grid.y + panel.grid.h)];
  const put = (row: number, column: number, text: string) => {
    const line = canvas[row] ?? [];
    // A corner stays a corner where two panels meet.
    [...text].forEach((char, index) => {
      if (line[column + index] !== "+") line[column + index] = char;
    });
  };
  const edge = `+${"-".repeat(right - left - 1)}+`;
  put(top, left, edge);
  put(bottom, left, edge);
  for (let row = top + 1; row < bottom; row++) {
    put(row, left, "|");
    put(row, right, "|");
  }
  const width = right - left - 3;
  const lines = [...wrap(panel.title, width), ...wrap(describeContent(panel), width)].slice(
    0,
    bottom - top - 1,
  );
  lines.forEach((line, index) => put(top + 1 + index, left + 2, line));
}

function lineOf(row: number): number {
  return Math.round(row * LINES_PER_ROW);
}

/** Returns in a few words what a panel shows. */
function describeContent(panel: Panel): string {
  const titles = (labels: Readonly<Record<string, string>>) => Object.values(labels).join(", ");
  switch (panel.type) {
    case "metric":
      return panel.unique === undefined ? "(number)" : `(number of different ${panel.unique})`;
    case "xy":
      return panel.by === undefined ? "(over time)" : `(over time, by ${titles(panel.by)})`;
    case "table":
      return `(table: ${titles({ ...panel.by, ...panel.unique })})`;
    case "list":
      return `(list: ${panel.columns.join(", ")})`;
  }
}

/** Breaks a text into lines of at most `width` characters. A longer word is cut. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word.slice(0, width));
  }
  return lines;
}
