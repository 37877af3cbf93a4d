/** The style of a share's page; served as a file of its own, because the page allows none inside it. */
export const style = `
:root { color-scheme: light dark; --line: #8884; --dim: #777; --accent: #1a66d0; }
@media (prefers-color-scheme: dark) { :root { --dim: #aaa; --accent: #7db4ff; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
a { color: var(--accent); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
header { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; align-items: center; justify-content: space-between; margin-bottom: 1rem; }
h1 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; font-weight: 600; }
form { display: flex; gap: .5rem; }
input, button { font: inherit; padding: .3rem .6rem; border: 1px solid var(--line); border-radius: .4rem; background: transparent; color: inherit; }
input { width: 14rem; max-width: 50vw; }
nav { display: flex; gap: 1rem; align-items: center; margin: .75rem 0; flex-wrap: wrap; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; font-size: .85rem; color: var(--dim); }
th, td { padding: .4rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td:first-child { overflow-wrap: anywhere; }
.size, .time { white-space: nowrap; color: var(--dim); font-variant-numeric: tabular-nums; }
.size { text-align: right; }
.get { text-align: right; white-space: nowrap; }
.folder { font-weight: 600; }
.note { color: var(--dim); }
pre { border: 1px solid var(--line); border-radius: .4rem; padding: .75rem; overflow: auto; max-height: 75vh; font-size: .875rem; }
img, video { max-width: 100%; max-height: 75vh; border-radius: .4rem; }
@media (max-width: 40rem) { .time { display: none; } }
`;
