import { cut } from './terminal.js';

/** What a live region draws on: standard output, or a test. */
export interface Screen {
  write(text: string): void;
  columns: number;
  rows: number;
}

/**
 * Lines at the bottom of a terminal that are drawn again in place. What does not fit on the screen is left out from the
 * top, because a terminal cannot go back above its first line.
 */
export class LiveRegion {
  private drawn = 0;
  private hidden = false;

  constructor(private readonly screen: Screen) {}

  draw(lines: string[]): void {
    const { columns, rows } = this.screen;
    const room = Math.max(1, rows - 1);
    const shown = (lines.length > room ? lines.slice(lines.length - room) : lines).map((line) =>
      cut(line, columns - 1),
    );
    // One write, so that nobody sees half of it; each line is cleared behind its text, the rest of the screen at the end.
    const up = this.drawn > 0 ? `\u001b[${this.drawn}A` : '';
    const body = shown.map((line) => `${line}\u001b[K\n`).join('');
    this.screen.write(`${this.hidden ? '' : '\u001b[?25l'}${up}\r${body}\u001b[J`);
    this.hidden = true;
    this.drawn = shown.length;
  }

  /** Draws the lines for the last time, whole, and gives the terminal back. */
  finish(lines: string[]): void {
    const up = this.drawn > 0 ? `\u001b[${this.drawn}A` : '';
    const body = lines.map((line) => `${line}\u001b[K\n`).join('');
    this.screen.write(`${up}\r\u001b[J${body}`);
    this.drawn = 0;
    this.restore();
  }

  /** Shows the cursor again; safe to call at any time. */
  restore(): void {
    if (this.hidden) this.screen.write('\u001b[?25h');
    this.hidden = false;
  }
}
