/** Colours are told apart by people with the common kinds of colour blindness (after Okabe and Ito), and never say anything that a sign or a word does not. */
const colours = {
  light: '--page:#fff;--shade:#0003;--text:#1b2126;--muted:#56616c;--line:#d5dbe1;--panel:#f5f7f9;--answers:#0072b2;--bad:#b23c00;--refused:#8a6100;--good:#00664a;--doubt:#6f5300;--window:#7a5ea8;--fault:#6a4c9c;--held-back:#dcf1e9;--broken-back:#fbe3d9;--doubt-back:#faefcf;--up:#5aa58c;--drain:#f3d77a;--change:#e3e7eb;--host-0:#c6dff2;--host-1:#fbdca6;--host-2:#c5e8d8;--host-3:#eccbe0;--host-4:#f3ecaa;--host-5:#d9dde1',
  dark: '--page:#13171b;--shade:#000c;--text:#e7eaed;--muted:#a3adb7;--line:#363f48;--panel:#1b2127;--answers:#56b4e9;--bad:#ff9a66;--refused:#f0c350;--good:#6fd6b2;--doubt:#f0c350;--window:#b9a2e8;--fault:#b9a2e8;--held-back:#123d31;--broken-back:#4d2413;--doubt-back:#423511;--up:#3f9c80;--drain:#7a6114;--change:#3a434c;--host-0:#1d4c70;--host-1:#6c4a10;--host-2:#1a5a45;--host-3:#653a56;--host-4:#57530f;--host-5:#444c54',
};

export const reportStyle = `
:root{color-scheme:light dark;${colours.light}}
@media (prefers-color-scheme:dark){:root{${colours.dark}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif;-webkit-text-size-adjust:100%}
main{max-width:1120px;margin:0 auto;padding:24px 20px 48px}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:40px 0 8px;padding-bottom:4px;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:24px 0 4px;overflow-wrap:anywhere}
h4{font-size:.95rem;margin:20px 0 6px}
p{margin:0 0 8px;max-width:100ch;overflow-wrap:anywhere}
code{font:.9em ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
header p{max-width:none}.aside{display:block;font-size:.85rem}
.muted{color:var(--muted)}.small-text{font-size:.85rem}.bad{color:var(--bad);font-weight:600}
.words p:first-child{font-size:1.15rem;font-weight:600}
.scroll{overflow-x:auto;margin:8px 0;background:linear-gradient(to right,var(--page),var(--page)) 0 0/28px 100% no-repeat local,linear-gradient(to left,var(--page),var(--page)) 100% 0/28px 100% no-repeat local,linear-gradient(to right,var(--shade),transparent) 0 0/14px 100% no-repeat scroll,linear-gradient(to left,var(--shade),transparent) 100% 0/14px 100% no-repeat scroll}
.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--answers);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
.caption{font-size:.9rem;margin:16px 0 0}
th,td{text-align:left;vertical-align:top;padding:6px 14px 6px 0;border-bottom:1px solid var(--line)}
thead th{font-weight:600;color:var(--muted);vertical-align:bottom}
tbody th{font-weight:600}
td.number{white-space:nowrap}td.text{min-width:220px;overflow-wrap:anywhere}
.fault-title{display:block;font-weight:400;color:var(--muted);min-width:130px}
.breaches{margin:4px 0 0;padding-left:18px;color:var(--bad)}
.badge{display:inline-block;padding:0 8px;border-radius:10px;font-size:.85rem;font-weight:600;white-space:nowrap}
.badge.held{background:var(--held-back);color:var(--good)}.badge.broken{background:var(--broken-back);color:var(--bad)}.badge.unknown{background:var(--doubt-back);color:var(--doubt)}
.warning{background:var(--broken-back);border-left:4px solid var(--bad);padding:8px 12px;margin:8px 0;max-width:none}
.warning ul{margin:4px 0 0;padding-left:20px}
.run{border:1px solid var(--line);border-radius:8px;padding:0 16px;margin:12px 0}
.run[open]{padding-bottom:16px}
.run>summary{cursor:pointer;padding:10px 0;overflow-wrap:anywhere}
.run-name{font-weight:600;margin-right:4px}.run-gaps{color:var(--muted);margin-left:4px}
figure{margin:12px 0 16px}
figcaption{font-size:.9rem;font-weight:600}
.story,footer ul{padding-left:20px;margin:4px 0;font-size:.9rem;max-width:none;overflow-wrap:anywhere}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 20px;padding:8px 12px;margin:8px 0;background:var(--panel);border-radius:8px;font-size:.85rem}
.legend li{display:flex;align-items:center;gap:6px}.legend svg{width:40px;height:16px;flex:none}
.patterns{position:absolute}
.timeline,.strips{display:block;width:100%;min-width:760px;height:auto;font-family:inherit}
svg text{fill:var(--text);font-size:11px}
svg .label{font-size:12px}svg .small{font-size:10.5px}svg .tiny{font-size:9.5px}svg .strong,svg .figure{font-weight:600}svg .figure{font-size:12px}
svg .halo{paint-order:stroke;stroke:var(--page);stroke-width:3px;stroke-linejoin:round}
svg .muted{fill:var(--muted)}svg .bad{fill:var(--bad)}
.grid{stroke:var(--line);stroke-width:.6}.axis{stroke:var(--muted);stroke-width:1}
.window{fill:var(--window);opacity:.13}.fault{fill:var(--fault)}svg .on-fault{fill:var(--page);font-weight:600}
.mark{stroke:var(--muted);stroke-width:1;stroke-dasharray:3 3;fill:none}.mark.strong{stroke:var(--text);stroke-dasharray:none;stroke-width:1.2}.mark.healthy{stroke:var(--good);stroke-dasharray:none;stroke-width:1.2}.mark.note{stroke-dasharray:1 3}
.answers{stroke:var(--answers);stroke-width:13;fill:none}
.unknown{stroke:var(--bad);stroke-width:1.5;fill:none}.refused{stroke:var(--refused);stroke-width:1.2;fill:none}
.gap{fill:url(#hatch-gap);stroke:var(--bad);stroke-width:1}.plate{fill:var(--page)}
.hatch-back{fill:var(--page)}.hatch-line{fill:var(--broken-back)}.hatch-thin{fill:var(--bad)}
.nobody{fill:none;stroke:var(--line);stroke-width:.8;stroke-dasharray:2 2}
${[0, 1, 2, 3, 4, 5].map((host) => `.host-${host}{fill:var(--host-${host})}`).join('')}
.two{fill:none;stroke:var(--bad);stroke-width:2}
.up{fill:var(--up)}.down{fill:url(#hatch-down);stroke:var(--bad);stroke-width:.8}.drain{fill:var(--drain);stroke:var(--doubt);stroke-width:.8}.change{fill:var(--change);stroke:var(--muted);stroke-width:.5}
.strip{stroke:var(--line);stroke-width:1}.dot{fill:var(--answers);fill-opacity:.75;stroke:var(--page);stroke-width:1}.dot.dead{fill:var(--bad)}
svg .target-name{fill:var(--good)}.median{stroke:var(--text);stroke-width:2}.target-median{stroke:var(--good);stroke-width:1.5;stroke-dasharray:4 3}.target-max{stroke:var(--good);stroke-width:1.5}
@media (max-width:600px){main{padding:16px 12px 32px}h1{font-size:1.4rem}.run{padding:0 10px}}
@media print{:root{${colours.light}}@page{margin:14mm}body{font-size:11pt}main{max-width:none;padding:0}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}.scroll{overflow:visible;background:none}.timeline,.strips{min-width:0}table{font-size:8.5pt}th,td{padding-right:8px}td.text{min-width:0}figure,tr,.warning,.legend{break-inside:avoid}h2,h3,h4,summary{break-after:avoid}.run{border:0;padding:0}details::details-content{content-visibility:visible;display:block;height:auto}}
`;
