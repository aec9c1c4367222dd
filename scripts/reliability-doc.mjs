/**
 * Writes the results of the proofs into docs/reliability.md: of each command the newest run that is kept in
 * `.orderwright/proofs.jsonl`. Runs of a tree with uncommitted changes prove nothing that anybody could repeat, and are left out,
 * and so are runs of a part (`POINTS=`, `LIMIT=`, `SCENARIO=`, `ONLY=`). Results of other machines stand in the page already and stay,
 * until a newer one of the same command comes.
 *
 * What finds each planted bug (`npm run test:mutants -- --by-simulation`, kept in docs/reliability.d/planted.json) is a table of its own.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, 'docs', 'reliability.md');
const [begin, end] = ['<!-- RESULTS -->', '<!-- /RESULTS -->'];
const [beginPlanted, endPlanted] = ['<!-- PLANTED -->', '<!-- /PLANTED -->'];

/** A proof's name with its settings, without its seed: `PAIRS=500 npm run test:crash`. */
const kindOf = (command) => command.replace(/\bSEED=\d+ /, '');

export async function writeReliability() {
  const text = readFileSync(page, 'utf8');
  const [before, rest] = text.split(begin);
  const [table, after] = rest.split(end);
  const rows = new Map();
  for (const line of table.split('\n').filter((one) => one.startsWith('| `'))) {
    const [, command] = /^\| `([^`]+)`/.exec(line);
    rows.set(kindOf(command), line);
  }
  for (const one of kept()) rows.set(kindOf(one.command), rowOf(one));
  const head = [
    '| command | date | commit | runs | violations | took | figures |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ];
  const results = `${before}${begin}\n\n${[...head, ...rows.values()].join('\n')}\n\n${end}${after}`;
  const [above, below] = results.split(beginPlanted);
  const written = `${above}${beginPlanted}\n\n${plantedRows().join('\n')}\n\n${endPlanted}${below.split(endPlanted)[1]}`;
  const options = await prettier.resolveConfig(page);
  writeFileSync(page, await prettier.format(written, { ...options, parser: 'markdown' }));
}

/** What finds each planted bug: the seed, its rule and its command, and in any case the test that is named for it. */
function plantedRows() {
  const path = join(root, 'docs', 'reliability.d', 'planted.json');
  const planted = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : [];
  const rows = planted.map((one) => {
    const test = `\`npx jest ${one.test.file} -t '${one.test.name.replaceAll("'", '.')}'\``;
    return `| ${one.review ?? ''} | ${one.name} | ${whereFound(one)} | ${one.cpuSeconds || '–'} | ${test.replaceAll('|', '.')} |`;
  });
  return [
    '| finding | planted | found by the simulation | CPU s | and by its test |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ];
}

function whereFound({ name, beyondSimulation, found, tried }) {
  if (beyondSimulation) return `cannot be: ${beyondSimulation}`;
  if (!found) {
    const counts = Object.entries(tried).map(([cloud, { count }]) => `${count} seeds of ${cloud}`);
    return `**not found** in ${counts.join(' and ') || 'no seed yet'}`;
  }
  const { cloud, seed, rule } = found;
  const only = name.replaceAll(/[^\w ]/g, '.');
  return `${cloud} ${seed}, rule ${rule}: \`AGAIN=1 ONLY='${only}' CLOUD=${cloud} SEED=${seed} SEEDS=1 npm run test:mutants -- --by-simulation\``;
}

function kept() {
  try {
    const lines = readFileSync(join(root, '.orderwright', 'proofs.jsonl'), 'utf8')
      .split('\n')
      .filter(Boolean);
    return lines
      .map((line) => JSON.parse(line))
      .filter(
        ({ commit, command }) => /^[0-9a-f]{12}$/.test(commit) && !/\b(POINTS|LIMIT|SCENARIO|ONLY)=/.test(command),
      );
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

function rowOf({ command, date, commit, runs, violations, seconds, figures }) {
  const took = seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
  const shown = Object.entries(figures).flatMap(shownFigures).join(', ');
  return `| \`${command}\` | ${date.slice(0, 10)} | \`${commit}\` | ${runs} | **${violations}** | ${took} | ${shown || '–'} |`;
}

/** A figure as it is shown; of groups the headline's zeros alone, which stand under `zeros`, or among others as `figure …`. */
function shownFigures([name, value]) {
  if (typeof value !== 'object' || value === null) return [`${name} ${value}`];
  const members = Object.entries(value);
  const headline = name.endsWith('zeros') ? members : members.filter(([member]) => member.startsWith('figure '));
  return headline.map(([member, figure]) => `**${member.replace(/^figure /, '')} ${figure}**`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeReliability();
