#if Tools
    /// The style sheet of `HTMLReport`. Colours are variables, so that a dark screen and paper need no other rules.
    enum ReportStyle {
        static let sheet: Markup = """
            :root {
              --paper: #ffffff; --wash: #f4f6f8; --ink: #1b2127; --soft: #56616c; --rule: #d5dbe1; --grid: #e6eaee;
              --millrace: #1f5fa8; --peer: #77828d; --peer-ground: #d3d9df; --floor: #b04a00;
              --bad: #b00d27; --bad-wash: #fdecef; --warning: #7a4a00; --warning-wash: #fff3d9; --good: #17683a;
              --c0: #1f5fa8; --c1: #b04a00; --c2: #17784a; --c3: #7d3fa6; --c4: #a8123e; --c5: #4d5863;
              --c6: #806400; --c7: #0b7685;
            }
            @media screen and (prefers-color-scheme: dark) {
              :root {
                --paper: #14181c; --wash: #1c2227; --ink: #e4e8ec; --soft: #a2adb8; --rule: #353e47; --grid: #283038;
                --millrace: #4f93de; --peer: #8d98a3; --peer-ground: #3a434c; --floor: #f2a35a;
                --bad: #ff8a98; --bad-wash: #3a161c; --warning: #f4c363; --warning-wash: #352a10; --good: #74cf98;
                --c0: #6aaaf0; --c1: #f2a35a; --c2: #6fcf97; --c3: #c99bf2; --c4: #ff8aa3; --c5: #b4bec8;
                --c6: #e0c65a; --c7: #5cc8d6;
              }
            }
            * { box-sizing: border-box; }
            html { background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; }
            body {
              max-width: 1160px; margin: 0 auto; padding: 40px 32px 64px;
              font: 15px/1.5 "Inter", ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
              font-variant-numeric: tabular-nums; font-feature-settings: "tnum";
            }
            h1 { font-size: 30px; line-height: 1.15; font-weight: 650; letter-spacing: -0.015em; margin: 0 0 20px; }
            h2 { font-size: 20px; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; margin: 48px 0 8px; }
            h3 { font-size: 15px; font-weight: 650; margin: 32px 0 0; }
            p { margin: 0 0 12px; }
            a { color: var(--millrace); text-underline-offset: 2px; }
            b, strong { font-weight: 650; }
            .hint, caption, figcaption { color: var(--soft); font-size: 13px; }
            .hint { margin-bottom: 8px; }
            dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 10px 32px; margin: 0; }
            dl { border-top: 1px solid var(--rule); padding-top: 14px; }
            dt { color: var(--soft); font-size: 12.5px; }
            dd { margin: 0; overflow-wrap: anywhere; }
            .terms { grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); font-size: 13.5px; }
            .terms dt { color: var(--ink); font-weight: 650; font-size: 13.5px; }

            .box { margin: 28px 0 0; padding: 14px 20px; border: 2px solid; border-radius: 6px; }
            .box h2 { margin: 0 0 4px; font-size: 17px; }
            .box ul { margin: 0; padding-left: 20px; overflow-wrap: anywhere; }
            .box.bad { color: var(--bad); background: var(--bad-wash); border-width: 3px; }
            .box.warning { color: var(--warning); background: var(--warning-wash); }

            .wide { overflow-x: auto; }
            .wide:focus-visible, a:focus-visible { outline: 2px solid var(--millrace); outline-offset: 2px; }
            table { border-collapse: collapse; width: 100%; font-size: 13px; line-height: 1.35; }
            caption { text-align: left; padding: 4px 0 10px; }
            .prose { display: block; position: sticky; left: 0; max-width: min(960px, 100vw - 64px); }
            th, td { text-align: left; vertical-align: top; padding: 6px 12px 6px 0; font-weight: 400; }
            th:last-child, td:last-child { padding-right: 0; }
            thead th { color: var(--soft); font-size: 12px; vertical-align: bottom; border-bottom: 1px solid var(--ink); }
            tbody tr { border-top: 1px solid var(--grid); }
            thead + tbody tr:first-child { border-top: 0; }
            tbody th[scope=row] { min-width: 170px; overflow-wrap: anywhere; }
            .n { text-align: right; white-space: nowrap; }
            .n + td:not(.n), .n + th:not(.n) { padding-left: 10px; }
            .none { color: var(--soft); }
            .engine, .range { display: block; color: var(--soft); font-size: 12px; }
            tr.scenario { border-top: 1px solid var(--rule); }
            tr.scenario th { padding-top: 16px; font-weight: 650; font-size: 14px; }
            tr.note { border-top: 0; }
            tr.note td { padding-top: 0; padding-left: 14px; color: var(--soft); font-size: 12px; overflow-wrap: anywhere; }
            tr.failed { background: var(--bad-wash); box-shadow: inset 4px 0 0 var(--bad); }
            tr.failed th { padding-left: 12px; }
            .absent { color: var(--soft); font-style: italic; }
            .ack {
              display: inline-block; padding: 0 7px; border: 1px solid var(--rule); border-radius: 9px;
              background: var(--wash); font-size: 12px; max-width: 140px;
            }
            .results th:nth-child(2) { min-width: 128px; }
            .ratio { display: flex; align-items: center; gap: 6px; white-space: nowrap; }
            .good { color: var(--good); }
            .loud { color: var(--paper); background: var(--bad); padding: 1px 7px; border-radius: 3px; }
            .links { list-style: none; margin: 0 0 12px; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 18px; }

            figure { margin: 16px 0 0; }
            figcaption { margin-top: 8px; }
            .key { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 20px; }
            .key li { display: flex; gap: 7px; align-items: baseline; overflow-wrap: anywhere; }
            .key svg { flex: none; }
            .panels, .pair { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); gap: 0 40px; }
            .panel { margin: 8px 0 20px; min-width: 0; }
            .panel p { margin: 4px 0 0; }
            .panel .key { flex-direction: column; }
            .heading { font-size: 13.5px; font-weight: 650; line-height: 1.35; margin-bottom: 4px; overflow-wrap: anywhere; }
            figure svg[role=img] { display: block; width: 100%; height: auto; overflow: visible; }
            svg.bars { min-width: 860px; }
            svg text { fill: var(--ink); font-size: 12px; }
            svg .small { font-size: 11px; }
            svg .soft { fill: var(--soft); }
            svg .name, svg .value { font-weight: 650; }
            svg .small.bad { fill: var(--bad); font-weight: 700; }
            .rule { stroke: var(--rule); }
            .grid { stroke: var(--grid); }
            .axis { stroke: var(--soft); fill: none; }
            .bar { fill: var(--millrace); }
            .track { fill: var(--grid); }
            .peer { stroke: var(--peer); }
            .peer-ground { fill: var(--peer-ground); }
            .peer-line { stroke: var(--peer); stroke-width: 3; }
            .halo { fill: none; stroke: var(--paper); stroke-width: 4.5; }
            .whisker { fill: none; stroke: var(--ink); stroke-width: 1.5; }
            .floor { fill: none; stroke: var(--floor); stroke-width: 2; }
            .floor-mark { fill: var(--floor); }
            .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
            .curve.c0 { stroke: var(--c0); stroke-width: 2.4; }
            .curve.c1 { stroke: var(--c1); stroke-dasharray: 8 3; }
            .curve.c2 { stroke: var(--c2); stroke-dasharray: 2.5 2.5; }
            .curve.c3 { stroke: var(--c3); stroke-dasharray: 9 3 2 3; }
            .curve.c4 { stroke: var(--c4); stroke-dasharray: 4.5 3; }
            .curve.c5 { stroke: var(--c5); stroke-width: 1.2; }
            .curve.c6 { stroke: var(--c6); stroke-dasharray: 14 4; }
            .curve.c7 { stroke: var(--c7); stroke-dasharray: 1.5 4; stroke-width: 2.4; }
            .band { opacity: 0.25; }
            .c0:is(.dot, .band) { fill: var(--c0); } .c1:is(.dot, .band) { fill: var(--c1); }
            .c2:is(.dot, .band) { fill: var(--c2); } .c3:is(.dot, .band) { fill: var(--c3); }
            .c4:is(.dot, .band) { fill: var(--c4); } .c5:is(.dot, .band) { fill: var(--c5); }
            .c6:is(.dot, .band) { fill: var(--c6); } .c7:is(.dot, .band) { fill: var(--c7); }
            footer { margin-top: 56px; }
            footer h2 { font-size: 15px; }

            @media (max-width: 640px) { body { padding: 24px 16px 40px; } dl { grid-template-columns: 1fr; } }
            @media print {
              @page { size: A4 landscape; margin: 12mm; }
              body { padding: 0; zoom: 0.8; }
              .prose { max-width: 960px; }
              * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
              nav { display: none; }
              .wide { overflow: visible; }
              svg.bars { min-width: 0; }
              figure, tr, .box { break-inside: avoid; }
              h2, h3, .hint, tr.scenario { break-after: avoid; }
              a { color: inherit; text-decoration: none; }
            }
            """
    }
#endif
