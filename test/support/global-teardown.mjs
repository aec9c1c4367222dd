/** Tells the reaper that the run is over and waits until everything is gone. */
export default async function globalTeardown() {
  const reaper = globalThis.__orderwrightReaper;
  if (reaper === undefined || reaper.exitCode !== null) return;
  reaper.ref();
  const gone = new Promise((resolve) => reaper.once('exit', resolve));
  reaper.stdin.end();
  await gone;
}
