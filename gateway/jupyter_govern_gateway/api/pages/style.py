"""How the pages look: one style sheet, light and dark, sent inline under a nonce. No fonts, no images, nothing from elsewhere."""

STYLE = """
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#1b1f26;--soft:#5b6472;--line:#dfe3e9;--code:#f6f8fa;
  --accent:#1f5fbf;--on:#fff;--yes:#1a7f4b;--no:#b3261e;--warn:#8a5a00;--warnbg:#fff6e0;--radius:12px}
@media(prefers-color-scheme:dark){:root{--bg:#14171c;--card:#1d2128;--ink:#e7eaf0;--soft:#9aa4b2;--line:#323844;
  --code:#161a20;--accent:#7fb0ff;--on:#10131a;--yes:#58c48a;--no:#ff8a80;--warn:#f3c667;--warnbg:#2c2514}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);
  font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
header{display:flex;align-items:center;justify-content:space-between;gap:1rem;max-width:56rem;margin:0 auto;
  padding:1.25rem 1rem .25rem}
.brand{display:flex;align-items:center;gap:.6rem;font-weight:650;color:inherit;text-decoration:none}
.brand i{width:1.05rem;height:1.2rem;background:var(--accent);
  clip-path:polygon(50% 0,100% 16%,100% 55%,50% 100%,0 55%,0 16%)}
.who{display:flex;align-items:center;gap:.75rem;color:var(--soft);font-size:.9rem}
.who form{margin:0}
main{max-width:56rem;margin:0 auto;padding:1rem}
.narrow{max-width:26rem;margin:4vh auto 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:var(--radius);padding:1.5rem;
  box-shadow:0 1px 3px rgba(0,0,0,.06)}
.card+.card{margin-top:1rem}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 .35rem}
h2{font-size:.82rem;letter-spacing:.05em;text-transform:uppercase;color:var(--soft);margin:1.5rem 0 .5rem}
p{margin:.35rem 0}
.soft{color:var(--soft)}
.small{font-size:.88rem}
dl{display:grid;grid-template-columns:minmax(6.5rem,max-content) 1fr;gap:.45rem 1.25rem;margin:1rem 0 0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
pre{margin:0;padding:1rem;background:var(--code);border:1px solid var(--line);border-radius:8px;
  font:14px/1.55 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre-wrap;
  overflow-wrap:anywhere;direction:ltr;unicode-bidi:bidi-override;tab-size:4}
code{font:.9em ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere;direction:ltr;
  unicode-bidi:bidi-override}
.odd{background:var(--no);color:var(--card);border-radius:3px;padding:0 .25em;font-size:.8em}
.tag{display:inline-block;padding:.05rem .55rem;border:1px solid var(--line);border-radius:999px;font-size:.82rem;
  margin:0 .3rem .2rem 0;white-space:nowrap}
.tag.strong{border-color:currentColor;color:var(--no);font-weight:600}
.note{border-left:4px solid var(--warn);background:var(--warnbg);padding:.7rem 1rem;border-radius:0 8px 8px 0;
  margin:1rem 0}
.error{border-left-color:var(--no)}
table{width:100%;border-collapse:collapse;font-size:.95rem}
th{text-align:left;font-weight:500;color:var(--soft)}
table.values th{width:1%;padding-right:1.25rem;white-space:nowrap}
th,td{padding:.45rem .6rem .45rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
label{display:block;margin:.9rem 0 .3rem;font-weight:550}
input[type=text],input[type=password],textarea{width:100%;padding:.6rem .7rem;font:inherit;color:inherit;
  background:var(--code);border:1px solid var(--line);border-radius:8px}
textarea{min-height:4.2rem;resize:vertical}
input:focus-visible,textarea:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid var(--accent);
  outline-offset:2px}
button{font:inherit;font-weight:600;padding:.6rem 1.3rem;border-radius:8px;border:1px solid transparent;
  background:var(--accent);color:var(--on);cursor:pointer}
a.button{display:block;text-align:center;font-weight:600;padding:.6rem 1.3rem;border-radius:8px;background:var(--accent);
  color:var(--on);text-decoration:none}
button.yes{background:var(--yes);color:var(--card)}
button.no{background:transparent;color:var(--no);border-color:var(--no)}
button.plain{background:transparent;color:var(--accent);padding:.25rem .6rem;border-color:var(--line);font-weight:500}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.25rem}
/* a page that opens under a running double click does not take its second half for an answer */
.actions.armed{animation:arm .6s step-end both}
@keyframes arm{from{opacity:.4;pointer-events:none}to{opacity:1;pointer-events:auto}}
.usercode{font:600 1.9rem/1.2 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;letter-spacing:.12em;
  text-align:center;padding:1rem;background:var(--code);border:1px dashed var(--line);border-radius:8px;margin:1rem 0}
.state{display:inline-block;font-weight:650;padding:.15rem .8rem;border-radius:999px;border:1px solid currentColor;
  margin-bottom:.75rem}
.state.approved{color:var(--yes)}
.state.denied,.state.expired{color:var(--no)}
.state.withdrawn{color:var(--soft)}
.state.pending{color:var(--warn)}
.bar{height:5px;border-radius:3px;background:var(--line);overflow:hidden;margin-top:.4rem}
.bar i{display:block;height:100%;background:var(--accent);transform-origin:left}
@keyframes drain{to{transform:scaleX(0)}}
a{color:var(--accent)}
@media(max-width:34rem){dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.6rem}.card{padding:1.1rem}
  .actions button{flex:1}}
"""
