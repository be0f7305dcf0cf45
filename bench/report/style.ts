/** The report's style sheet: light and dark, nothing loaded from anywhere. */
export const reportStyle = `
:root { color-scheme: light dark; --ink: #1d2530; --soft: #5c6b7d; --paper: #f6f7f9; --card: #fff; --rule: #dfe4ea;
  --good: #15803d; --fine: #2563a8; --bad: #c2410c;
  --c0: #2f6fdb; --c1: #e8863a; --c2: #2f9e77; --c3: #b04fc4; --c4: #d1495b; --c5: #7a8797; --c6: #c2a41f }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ecf2; --soft: #98a6b7; --paper: #12161c; --card: #1b212a;
  --rule: #2e3743; --good: #4ade80; --fine: #7db4f5; --bad: #fb923c; --c0: #6ea3ff; --c1: #f5a35f; --c2: #55c79c;
  --c3: #cf83df; --c4: #f0788a; --c5: #9aa7b6; --c6: #e0c54a } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
h1 { font-size: 1.7rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem }
header p { color: var(--soft); margin: .3rem 0 0 }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .8rem; margin-top: 1.5rem }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: .9rem 1rem }
.card h3 { margin: 0; font-size: .85rem; font-weight: 500; color: var(--soft) }
.card .value { font-size: 1.75rem; font-weight: 650; font-variant-numeric: tabular-nums; line-height: 1.25 }
.card .value small { font-size: .85rem; font-weight: 400; color: var(--soft) }
.card p { margin: .15rem 0 0; font-size: .8rem; color: var(--soft) }
.verdict { font-weight: 600 } .aim .verdict { color: var(--good) } .must .verdict { color: var(--fine) }
.missed .verdict { color: var(--bad) }
figure { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; margin: .8rem 0; padding: 1rem }
figcaption { font-weight: 600; margin-bottom: .4rem } svg { width: 100%; height: auto; display: block }
.grid { stroke: var(--rule) } .tick, .axis, .value, .name { font: 12px system-ui, sans-serif; fill: var(--soft) }
svg .value { fill: var(--ink); font-weight: 600 } svg .name { fill: var(--ink) }
.line { fill: none; stroke-width: 2 } .mark { stroke: var(--bad); stroke-dasharray: 4 3; stroke-width: 1.5 }
${[0, 1, 2, 3, 4, 5, 6].map(colourRules).join('\n')}
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; list-style: none; padding: 0; margin: .6rem 0 0;
  font-size: .85rem; color: var(--soft) }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: 3px; margin-right: .4rem; vertical-align: -1px }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; background: var(--card); font-variant-numeric: tabular-nums }
th, td { border: 1px solid var(--rule); padding: .35rem .7rem; text-align: right } th { font-weight: 600 }
th:first-child, td:first-child { text-align: left } ul.notes { color: var(--soft); padding-left: 1.2rem }
`

function colourRules(n: number): string {
  const colour = `var(--c${n})`
  return `.line.c${n} { stroke: ${colour} } .bar.c${n}, .dot.c${n} { fill: ${colour} } i.c${n} { background: ${colour} }`
}
