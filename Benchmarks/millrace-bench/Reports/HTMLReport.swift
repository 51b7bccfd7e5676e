#if Tools
    /// One run as a document of its own: no script, nothing from elsewhere, for light and dark screens and for paper.
    struct HTMLReport {
        private let run: RunFile
        private let scenarios: [ScenarioRows]

        init(_ run: RunFile) {
            self.run = run
            scenarios = run.scenarios
        }

        var text: String {
            let page: Markup = #"""
                <!DOCTYPE html>
                <html lang="en-GB">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta name="color-scheme" content="light dark">
                <title>\#(title)</title>
                <style>
                \#(ReportStyle.sheet)
                </style>
                </head>
                <body>
                \#(header)<main>
                \#(alarms)\#(results)\#(floors)\#(scenarios.enumerated().map(section))</main>
                \#(footer)</body>
                </html>

                """#
            return page.text
        }

        private var title: String {
            ["Millrace benchmark", run.environment?.commit, run.environment?.time].compactMap { $0 }.joined(
                separator: ", ")
        }

        private var header: Markup {
            let facts: [Markup] = (run.environment?.facts ?? []).map {
                "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>\n"
            }
            return #"""
                <header>
                <h1>Millrace benchmark</h1>
                <dl>
                \#(facts)</dl>
                </header>

                """#
        }

        // MARK: What must not be missed

        private var alarms: Markup {
            let warnings: [Markup] = run.warnings.map { "<li>\($0)</li>\n" }
            let failed: [Markup] = run.failedRows.map { "<li>\($0.label)</li>\n" }
            return box("bad", "Verification failed: these figures mean nothing", failed)
                + box("warning", warnings.count > 1 ? "Warnings" : "Warning", warnings)
        }

        private func box(_ kind: String, _ title: String, _ items: [Markup]) -> Markup {
            guard !items.isEmpty else { return "" }
            return #"""
                <section class="box \#(kind)">
                <h2>\#(title)</h2>
                <ul>
                \#(items)</ul>
                </section>

                """#
        }

        // MARK: Tables

        private var results: Markup {
            guard !run.rows.isEmpty else { return "" }
            let links: [Markup] = scenarios.enumerated().map {
                ##"<li><a href="#scenario-\##($0)">\##($1.name)</a></li>"##
            }
            return #"""
                <section>
                <h2>Results</h2>
                <p>\#(verdict)</p>
                <nav aria-label="Charts by scenario"><ul class="links">\#(links)</ul></nav>
                \#(ResultsTable(scenarios: scenarios).markup)</section>

                """#
        }

        private var verdict: String {
            let measured = run.rows.filter(\.isMeasured)
            let absent = run.rows.count - measured.count
            let failed = run.failedRows.count
            return
                (failed == 0
                ? "All \(measured.count) rows are verified: what was written was read back, counted and compared."
                : "\(failed) of \(measured.count) rows failed their verification.")
                + (absent == 0 ? "" : " \(absent) could not be measured.")
        }

        private var floors: Markup {
            guard !run.floors.isEmpty else { return "" }
            let lines: [Markup] = run.floors.map { floor in
                #"""
                <tr><th scope="row">\#(floor.name)</th><td class="n"><b>\#(figure(floor.value))</b></td>\#
                <td class="n">\#(figure(floor.min))…\#(figure(floor.max))</td><td>\#(floor.unit.rawValue)</td>\#
                <td>\#(floor.about)</td></tr>

                """#
            }
            return #"""
                <section>
                <h2>Floors</h2>
                <div class="wide" role="region" aria-label="Floors" tabindex="0">
                <table>
                <caption><span class="prose">What this machine does with the same bytes when nothing is built on it: medians, \#
                with the least and the greatest of the repetitions. Of GB/s more is better, of ns less.</span></caption>
                <thead><tr><th scope="col">floor</th><th scope="col" class="n">median</th><th scope="col" class="n">range</th>\#
                <th scope="col">unit</th><th scope="col">what it is</th></tr></thead>
                <tbody>
                \#(lines)</tbody>
                </table>
                </div>
                </section>

                """#
        }

        // MARK: Charts

        private func section(_ index: Int, _ scenario: ScenarioRows) -> Markup {
            let throughput: [Markup] = CurvePanel.panels(of: scenario, where: CurvePanel.hasSamples).enumerated().map {
                $1.throughput(id: "throughput-\(index)-\($0)").figure
            }
            let percentiles: [Markup] = CurvePanel.panels(of: scenario, where: CurvePanel.hasPercentiles).enumerated()
                .map {
                    $1.percentiles(id: "percentiles-\(index)-\($0)").figure
                }
            let bars =
                BarChart(scenario, floors: run.floors, id: "bars-\(index)")?.figure ?? "<p>Nothing was measured.</p>\n"
            return #"""
                <section class="chapter" id="scenario-\#(index)">
                <h2>\#(scenario.name)</h2>
                \#(bars)<div\#(throughput.count == 1 && percentiles.count == 1 ? #" class="pair""# : "" as Markup)>
                \#(panels("Throughput over time", throughput))\#(panels("Latency of a call", percentiles))</div>
                </section>

                """#
        }

        private func panels(_ title: String, _ charts: [Markup]) -> Markup {
            guard !charts.isEmpty else { return "" }
            let hint: Markup = charts.count > 1 ? "<p class=\"hint\">Each chart has a scale of its own.</p>\n" : ""
            return #"""
                <div>
                <h3>\#(title)</h3>
                \#(hint)<div class="panels">
                \#(charts)</div>
                </div>

                """#
        }

        private var footer: Markup {
            #"""
            <footer>
            <h2>How to read this</h2>
            <dl class="terms">
            <div><dt>acknowledged when</dt><dd><i>published</i>: readers see the records, in memory. <i>written</i>: they are with \#
            the operating system, and outlive the process. <i>durable</i>: they are on the device, and outlive a power cut; each \#
            call by itself, or calls together as a group; with a period, after that time at the latest. Rows of different levels \#
            do different work.</dd></div>
            <div><dt>of floor</dt><dd>How near a row comes to what the machine does with the same bytes; 1 is the floor itself, \#
            which the bar's mark shows. A row may pass it when several cores work.</dd></div>
            <div><dt>whiskers</dt><dd>The least and the greatest of the repetitions. Where those of two rows overlap, no \#
            difference is shown.</dd></div>
            </dl>
            </footer>

            """#
        }
    }
#endif
