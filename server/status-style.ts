/** The style of the status page: self-contained, light and dark by the reader's own setting. */
export const statusStyle = `
:root {
  color-scheme: light dark;
  --page: #f6f4ef; --card: #fffdf8; --text: #23201a; --soft: #756e60; --line: #e4ded1; --code: #f1ede3;
  --sun: #c77700; --good: #2f7d4f; --bad: #b3382c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15161a; --card: #1d1f25; --text: #ece9e2; --soft: #9d978b; --line: #2e3139; --code: #16181d;
    --sun: #f2b24a; --good: #6fce97; --bad: #f0857a;
  }
}
* { box-sizing: border-box }
body {
  margin: 0; background: var(--page); color: var(--text); line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif;
}
main { max-width: 60rem; margin: 0 auto; padding: 3rem 1.25rem 4rem }
header { display: flex; align-items: center; gap: 1rem; margin-bottom: 2rem }
header svg { width: 3rem; height: 3rem; color: var(--sun); flex: none }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; letter-spacing: -.02em }
h2 { font-size: 1rem; margin: 0 0 .75rem }
p { margin: 0 0 .75rem }
.soft { color: var(--soft) }
.state { margin-left: auto; display: flex; align-items: center; gap: .5rem; font-size: .9rem; white-space: nowrap }
.state::before { content: ''; width: .6rem; height: .6rem; border-radius: 50%; background: var(--good) }
.state.away::before { background: var(--bad) }
section, .figure { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1.25rem }
section { margin-bottom: 1rem }
.figures { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1rem }
.figures { padding: 0; border: 0; background: none }
.figure { padding: 1rem 1.25rem }
.figure b { display: block; font-size: 1.6rem; line-height: 1.2; font-weight: 600; font-variant-numeric: tabular-nums }
.figure span { color: var(--soft); font-size: .85rem }
.figure svg { display: block; width: 100%; height: 1.75rem; margin-top: .5rem; color: var(--sun) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.25rem; margin: 0 }
dt { color: var(--soft) }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere }
code, pre { font: .85rem/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace }
pre { margin: 0; padding: 1rem; border-radius: 10px; border: 1px solid var(--line); overflow-x: auto }
pre { background: var(--code) }
.block { position: relative }
.block + h2 { margin-top: 1.25rem }
button.copy {
  position: absolute; top: .5rem; right: .5rem; font: inherit; font-size: .8rem; padding: .2rem .7rem; cursor: pointer;
  color: var(--text); background: var(--card); border: 1px solid var(--line); border-radius: 8px;
}
button.copy:hover, button.copy:focus-visible { border-color: var(--sun) }
footer { color: var(--soft); font-size: .85rem; margin-top: 1.5rem }
footer a { color: inherit }
@media (max-width: 34rem) {
  header { flex-wrap: wrap; row-gap: .5rem }
  header > div:nth-child(2) { flex: 1 0 70% }
  .state { margin-left: 4rem }
  main { padding-top: 1.5rem }
  .figures { grid-template-columns: repeat(2, 1fr) }
  dl { grid-template-columns: 1fr; gap: 0 }
  dd { margin-bottom: .6rem }
}
`
