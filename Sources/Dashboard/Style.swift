/// `GET /style.css`.
package enum Style {
    package static let text = #"""
        :root { color-scheme: light dark; --ink: #1b1f24; --paper: #fdfdfc; --faint: #57606a; --line: #d0d7de; --card: #f4f5f2;
          --good: #116329; --bad: #a40e26; --accent: #0b5394; --curve: #7a4b00; }
        @media (prefers-color-scheme: dark) {
          :root { --ink: #e4e7ea; --paper: #12151a; --faint: #a0a9b4; --line: #343b45; --card: #1a1f26;
            --good: #6fdd8b; --bad: #ff9492; --accent: #80b8ff; --curve: #f0c063; }
        }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 76rem; padding: 0 1rem 2rem; background: var(--paper); color: var(--ink);
          font: 1rem/1.45 system-ui, sans-serif; }
        header { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: baseline; }
        h1 { font-size: 1.4rem; margin: .8rem 0 .2rem; }
        h2 { font-size: 1.15rem; margin: 1.6rem 0 .5rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
        h3 { font-size: 1rem; margin: 0 0 .4rem; }
        #live { color: var(--faint); margin: 0; }
        #live.lost { color: var(--bad); font-weight: 600; }
        nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; }
        a { color: var(--accent); }
        nav a { padding: .35rem 0; }
        .skip { position: absolute; left: -99rem; }
        .skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .5rem; }
        :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
        code, time { font: .85em ui-monospace, monospace; overflow-wrap: anywhere; }
        dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; }
        dl.facts dt { color: var(--faint); }
        dl.facts dd { margin: 0; overflow-wrap: anywhere; }
        .good { color: var(--good); }
        .bad { color: var(--bad); }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: .9rem; }
        th, td { text-align: start; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
        thead th { color: var(--faint); font-weight: 600; white-space: nowrap; }
        tbody th { font-weight: 600; min-width: 6rem; max-width: 22rem; overflow-wrap: anywhere; }
        td { min-width: 3rem; }
        td bdi { overflow-wrap: anywhere; }
        td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
        td.fixed, td.fixed * { white-space: nowrap; }
        td.long { min-width: 18rem; }
        small { color: var(--faint); }
        ul.warnings { margin: 0; padding: 0; list-style: none; }
        ul.warnings li { border-inline-start: 4px solid var(--bad); background: var(--card); padding: .5rem .8rem; margin: .4rem 0;
          overflow-wrap: anywhere; }
        .advice { display: block; color: var(--faint); }
        form { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .8rem 1rem; margin: 1rem 0;
          display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; }
        form h3, #answer { flex-basis: 100%; }
        form p { margin: 0; }
        #answer p { margin: .2rem 0; overflow-wrap: anywhere; }
        label { display: block; color: var(--faint); font-size: .85rem; }
        input, select, button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--faint);
          border-radius: .3rem; padding: .4rem .6rem; min-height: 2.6rem; max-width: 100%; }
        button { cursor: pointer; padding: .4rem 1.2rem; }
        svg.spark { width: 7.5rem; height: 1.5rem; display: block; }
        svg.spark polyline { fill: none; stroke: var(--curve); stroke-width: 1.5; stroke-linecap: round;
          vector-effect: non-scaling-stroke; }
        svg.graph { display: block; width: 100%; max-width: 45rem; margin: 1rem auto 0; }
        svg.graph text { fill: var(--ink); font-size: 13px; unicode-bidi: isolate; paint-order: stroke; stroke: var(--paper);
          stroke-width: 3px; }
        svg.graph text.small { fill: var(--faint); font-size: 11px; }
        .link { stroke: var(--good); stroke-width: 2.5; }
        .link.relayed { stroke: var(--accent); stroke-dasharray: 8 5; }
        .link.down, .link.refused, .link.handshaking { stroke: var(--bad); stroke-dasharray: 1 6; stroke-linecap: round; }
        .knot { fill: var(--paper); stroke: var(--good); stroke-width: 3; }
        .knot.self { fill: var(--ink); stroke: var(--ink); }
        .knot.behind { stroke: var(--accent); }
        .knot.down, .knot.refused, .knot.handshaking { stroke: var(--bad); }
        .legend { color: var(--faint); text-align: center; font-size: .85rem; }
        footer { margin-top: 2rem; color: var(--faint); font-size: .9rem; }
        @media (max-width: 36rem) {
          svg.graph text { font-size: 20px; }
          svg.graph text.small { font-size: 0; }
          dl.facts { grid-template-columns: 1fr; gap: 0; }
          dl.facts dd { margin-bottom: .4rem; }
          form p, form input, form select, form button { width: 100%; }
        }
        @media (forced-colors: active) { .link, .knot, svg.spark polyline { stroke: CanvasText; } }
        """#
}
