"""The style sheet of a run's page: light and dark, wide and narrow, screen and paper."""

STYLE = """\
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --ink: #1c2128; --soft: #57606a; --line: #dfe3e8;
  --blue: #0969a8; --wash: #e7f0f7; --warn: #fff4dc; --warn-line: #d9a441; --warn-ink: #5c4100;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12151a; --card: #1b1f26; --ink: #e4e8ee; --soft: #a3adba; --line: #303743;
    --blue: #6cb6ef; --wash: #22303d; --warn: #33290f; --warn-line: #a97f2c; --warn-ink: #f3dca6;
  }
  .figure:not(.photo) img { filter: invert(.9) hue-rotate(180deg); mix-blend-mode: lighten; }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
main, header, footer { max-width: 1180px; margin: 0 auto; padding: 0 20px; }
/* Pages of wide tables alone: as wide as their tables, if there is room. */
body:has(main > .table) :is(main, header, footer) { max-width: none; }
main > .table { width: fit-content; max-width: 100%; } main > .figures { max-width: 1140px; }
header { padding-top: 28px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 36px 0 10px; }
h3 { font-size: 14px; margin: 0 0 6px; }
p { margin: 0 0 10px; max-width: 78ch; }
a { color: var(--blue); }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, "Liberation Mono", monospace; }
pre {
  margin: 0 0 12px; padding: 12px 14px; overflow-x: auto; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px;
}
pre.command { white-space: pre-wrap; overflow-wrap: anywhere; }
.below { margin-top: 12px; }
.soft, figcaption, .interval, .count { color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 14px 0 18px; font-size: 14px; }
.notice {
  background: var(--warn); color: var(--warn-ink); border: 1px solid var(--warn-line);
  border-left-width: 5px; border-radius: 8px; padding: 10px 14px; margin: 0 0 10px; max-width: none;
}
.remarks { margin: 0 0 14px; padding-left: 20px; color: var(--soft); font-size: 14px; }
.tiles { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); }
.tile, .figure, .table { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tile { padding: 14px 16px 12px; }
.tile h3 { color: var(--soft); font-weight: 500; margin: 0; }
.number { font-size: 34px; line-height: 1.2; font-weight: 600; letter-spacing: -.01em; }
.tile svg { display: block; width: 100%; height: 10px; margin: 6px 0 8px; overflow: visible; }
.track { fill: var(--line); } .range { fill: var(--blue); opacity: .45; } .point { fill: var(--blue); }
.chance { fill: var(--soft); }
.count { font-size: 13px; }
.figures { display: grid; gap: 14px; grid-template-columns: repeat(2, minmax(0, 1fr)); align-items: start; }
.figure { margin: 0; padding: 14px 16px; }
.figure.wide { grid-column: 1 / -1; }
.figure img { display: block; width: 100%; height: auto; max-width: 680px; margin: 0 auto 8px; }
.figure.photo img { max-width: 900px; border-radius: 6px; }
figcaption { font-size: 13px; }
figcaption strong { color: var(--ink); display: block; font-size: 14px; }
.table { overflow-x: auto; margin: 0 0 12px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: 5px 14px; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
thead th { border-top: 0; vertical-align: bottom; background: var(--wash); white-space: nowrap; }
tbody th { font-weight: 500; }
/* A row keeps its name where a table is scrolled; one of two columns, or they would lie on each other. */
tr > th:first-child { position: sticky; left: 0; }
tbody th:first-child { background: var(--card); }
tbody th.part { background: var(--wash); font-weight: 600; font-size: 13px; }
.numbers td, .numbers thead th:not(:first-child) { text-align: right; white-space: nowrap; }
.numbers thead th.value { white-space: normal; min-width: 5.5em; }
.numbers thead th.label { text-align: left; }
.numbers tbody th { white-space: nowrap; }
.facts th { width: 14em; color: var(--soft); }
.facts th, .facts td { padding-top: 3px; padding-bottom: 3px; }
.facts td, .unscored td { overflow-wrap: anywhere; }
.unscored td:nth-child(2) { overflow-wrap: normal; }
.interval { font-size: 13px; }
tbody tr.best > * { background: var(--wash); }
td.number-cell, thead th.number-cell { text-align: right; white-space: nowrap; }
.pairs {
  display: grid; gap: 10px; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); margin: 0 0 16px;
}
.twins {
  display: grid; grid-template-columns: 1fr 1fr; gap: 8px; padding: 10px; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px;
}
.twins figure { margin: 0; min-width: 0; } .twins figcaption { font-size: 12px; overflow-wrap: anywhere; }
.twins img, .gone {
  display: block; width: 100%; height: auto; aspect-ratio: 1; border-radius: 6px; margin: 0 0 4px;
}
.gone { display: grid; place-items: center; background: var(--ground); color: var(--soft); font-size: 12px; }
.pair { display: grid; gap: 14px; grid-template-columns: repeat(2, minmax(0, 1fr)); align-items: start; }
details { margin: 0 0 12px; } summary { cursor: pointer; padding: 4px 0; }
dl { margin: 8px 0; font-size: 14px; max-width: 90ch; } dt { font-weight: 600; } dd { margin: 0 0 8px; }
footer { padding-top: 24px; padding-bottom: 40px; color: var(--soft); font-size: 13px; }
@media (max-width: 760px) {
  main, header, footer { padding-left: 14px; padding-right: 14px; }
  .figures, .pair { grid-template-columns: minmax(0, 1fr); }
  .figure { padding: 10px; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px; }
  .tile { padding: 10px 12px; } .number { font-size: 27px; }
  .numbers .interval { display: block; }
  th, td { padding: 5px 9px; } .facts th { width: 9em; }
  tbody th:first-child { max-width: 42vw; overflow-wrap: break-word; }
  .numbers tbody th:first-child { white-space: normal; min-width: 7em; }
}
@media print {
  @page { size: landscape; margin: 12mm; }
  nav { display: none; } body { background: #fff; } .figure, .tile, .table { break-inside: avoid; }
  main, header, footer { max-width: none; padding: 0; }
  .table { overflow: visible; } .table table { font-size: 9px; } th, td { padding: 2px 4px; }
  .table .interval { font-size: inherit; } tr > th:first-child { position: static; }
  thead th, .numbers td, .numbers tbody th { white-space: normal; }
}
"""
