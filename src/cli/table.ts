import { clean, cut, pad, type Paint, width } from './terminal.js';

export interface Column<Row> {
  title: string;
  value(row: Row): string;
  /** Applied after the text was cleaned and fitted. */
  paint?: (text: string, row: Row) => string;
  side?: 'left' | 'right';
  /** Made narrower when the line is too long; the others keep their width. */
  shrinks?: boolean;
}

/** Rows as aligned columns with one heading line. Cleans every value. No line is longer than `columns` wide. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  paint: Paint,
  lineWidth: number,
): string[] {
  const gap = '  ';
  const cells = rows.map((row) => columns.map((column) => clean(column.value(row))));
  const widths = columns.map((column, i) =>
    Math.max(width(column.title), ...cells.map((line) => width(line[i] ?? ''))),
  );
  const over = widths.reduce((sum, one) => sum + one, 0) + gap.length * (columns.length - 1) - lineWidth;
  if (over > 0) shrink(widths, columns, over);
  const fit = (text: string, i: number) => {
    const wanted = widths[i] ?? 0;
    const last = i === columns.length - 1 && columns[i]?.side !== 'right';
    return last ? cut(text, wanted) : pad(cut(text, wanted), wanted, columns[i]?.side);
  };
  const heading = columns.map((column, i) => fit(column.title, i)).join(gap);
  return [
    paint('grey', heading.trimEnd()),
    ...rows.map((row, r) =>
      columns
        .map((column, i) => {
          const text = fit(cells[r]?.[i] ?? '', i);
          return column.paint ? column.paint(text, row) : text;
        })
        .join(gap)
        .trimEnd(),
    ),
  ];
}

function shrink(widths: number[], columns: readonly { shrinks?: boolean }[], over: number): void {
  let rest = over;
  while (rest > 0) {
    const widest = widths.reduce(
      (best, one, i) => (columns[i]?.shrinks && one > 8 && (best === -1 || one > (widths[best] ?? 0)) ? i : best),
      -1,
    );
    if (widest === -1) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    rest -= 1;
  }
}
