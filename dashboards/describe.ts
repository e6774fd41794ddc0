import { GRID_WIDTH, type Dashboard, type Panel } from "./schema";

/** Characters for a column of the grid, and lines for a row of it. */
const ACROSS = 2;
const DOWN = 0.5;

/** A dashboard as text: its title, what it is for, and its grid with each panel's title and content. */
export function describeDashboard(def: Dashboard): string {
  const height = Math.max(...def.panels.map(({ grid }) => down(grid.y + grid.h)));
  const canvas = Array.from({ length: height + 1 }, () =>
    Array.from({ length: GRID_WIDTH * ACROSS + 1 }, () => " "),
  );
  for (const panel of def.panels) draw(canvas, panel);
  const picture = canvas.map((row) => row.join("").trimEnd());
  return [def.title, def.description.trim(), `Opens with the last ${def.last}.`, "", ...picture, ""].join(
    "\n",
  );
}

function draw(canvas: string[][], panel: Panel): void {
  const [left, right] = [panel.grid.x * ACROSS, (panel.grid.x + panel.grid.w) * ACROSS];
  const [top, bottom] = [down(panel.grid.y), down(panel.grid.y + panel.grid.h)];
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
  const lines = [...wrap(panel.title, width), ...wrap(content(panel), width)].slice(0, bottom - top - 1);
  lines.forEach((line, index) => put(top + 1 + index, left + 2, line));
}

function down(row: number): number {
  return Math.round(row * DOWN);
}

/** What a panel shows, in a few words. */
function content(panel: Panel): string {
  const by = (labels: Readonly<Record<string, string>>) => Object.values(labels).join(", ");
  switch (panel.type) {
    case "metric":
      return panel.unique === undefined ? "(number)" : `(number of different ${panel.unique})`;
    case "xy":
      return panel.by === undefined ? "(over time)" : `(over time, by ${by(panel.by)})`;
    case "table":
      return `(table: ${by({ ...panel.by, ...panel.unique })})`;
    case "list":
      return `(list: ${panel.columns.join(", ")})`;
  }
}

/** Breaks a text into lines of at most `width`; a longer word is cut. */
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
