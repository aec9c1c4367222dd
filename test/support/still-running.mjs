/**
 * A reporter of Jest's that says every two minutes which files have been running for longer than that: a run that is cut off, by a
 * person or by a time limit, has told by then what held it up.
 */
const tellEveryMs = 120_000;

export default class StillRunning {
  started = new Map();

  onRunStart() {
    this.timer = setInterval(() => this.tell(), tellEveryMs);
    this.timer.unref();
  }

  onTestFileStart({ path }) {
    this.started.set(path, Date.now());
  }

  onTestFileResult({ path }) {
    this.started.delete(path);
  }

  onRunComplete() {
    clearInterval(this.timer);
  }

  tell() {
    for (const [path, at] of this.started) {
      const seconds = Math.round((Date.now() - at) / 1_000);
      if (seconds * 1_000 < tellEveryMs) continue;
      process.stderr.write(`still running after ${seconds} s: ${path.slice(path.lastIndexOf('/test/') + 1)}\n`);
    }
  }
}
