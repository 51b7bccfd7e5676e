#if Tools
    import Foundation

    /// What one run wrote, read back: JSON lines of the kinds `environment`, `floor` and `result`. Others are ignored.
    struct RunFile: Sendable {
        var environment: RunEnvironment?
        var floors: [Floor] = []
        var rows: [Row] = []

        private struct Kind: Decodable { let kind: String? }

        init(path: String) throws { try self.init(lines: try readWhole(path).split(separator: 10), name: path) }

        /// The same of lines that are still in memory.
        init(lines: [String]) throws { try self.init(lines: lines.map { Array($0.utf8)[...] }, name: "results") }

        private init(lines: [ArraySlice<UInt8>], name: String) throws {
            let decoder = JSONDecoder()
            for (index, line) in lines.enumerated() {
                let data = Data(line)
                do {
                    switch try decoder.decode(Kind.self, from: data).kind {
                    case "environment": environment = try decoder.decode(RunEnvironment.self, from: data)
                    case "floor": floors.append(try decoder.decode(Floor.self, from: data))
                    case "result": rows.append(try decoder.decode(Row.self, from: data))
                    default: break
                    }
                } catch {
                    throw BenchError("\(name), line \(index + 1) of those that are not empty: \(error)")
                }
            }
            if floors.isEmpty && rows.isEmpty { throw BenchError("\(name) holds neither floors nor results") }
        }

        /// Rows with figures that nobody should believe.
        var failedRows: [Row] { rows.filter(\.hasFailed) }

        /// What stands above everything else.
        var warnings: [String] {
            environment?.warnings ?? ["no environment in this file: nothing says where these figures come from"]
        }
    }

    /// What a file says about where its run took place, as far as a report shows it.
    struct RunEnvironment: Decodable, Sendable {
        let commit: String?
        let build: String?
        let swift: String?
        let lz4: String?
        let processor: String?
        let cores: Int?
        let kernel: String?
        let fileSystem: String?
        let device: String?
        let loadBefore: String?
        let loadAfter: String?
        let busyBefore: Double?
        let busyDuring: Double?
        let stolenBefore: Double?
        let stolenDuring: Double?
        let utc: String?
        let warnings: [String]?

        struct Fact: Sendable {
            let name: String
            let value: String
        }

        /// Names and values for the head of a report; what is unknown is left out.
        var facts: [Fact] {
            let all: [(String, [String?])] = [
                ("commit", [commit]),
                ("time", [time]),
                ("built with", [swift.map { "Swift \($0)" }, lz4.map { "liblz4 \($0)" }, build.map { "\($0) build" }]),
                ("machine", [processor, cores.map { "\($0) cores" }, kernel.map { "kernel \($0)" }]),
                ("directory", [[fileSystem, device].compactMap { $0 }.joined(separator: " on ")]),
                (
                    "load average",
                    Self.beforeAndAfter(loadBefore.map(Self.averages), loadAfter.map(Self.averages), "after")
                ),
                (
                    "others busy",
                    Self.beforeAndAfter(busyBefore.map(percent), busyDuring.map(percent), "during the run")
                ),
                (
                    "time stolen",
                    Self.beforeAndAfter(stolenBefore.map(percent), stolenDuring.map(percent), "during the run")
                ),
            ]
            return all.compactMap { name, values in
                let value = values.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ", ")
                return value.isEmpty ? nil : Fact(name: name, value: value)
            }
        }

        /// `2006-01-02 15:04:05 UTC` of `20060102T150405Z`; anything else as it is.
        var time: String? {
            guard let utc else { return nil }
            let digits = utc.filter(\.isNumber).map(String.init)
            guard utc.count == 16, digits.count == 14 else { return utc }
            let date = digits[..<4].joined() + "-" + digits[4..<6].joined() + "-" + digits[6..<8].joined()
            return date + " " + digits[8..<10].joined() + ":" + digits[10..<12].joined() + ":" + digits[12...].joined()
                + " UTC"
        }

        private static func beforeAndAfter(_ before: String?, _ after: String?, _ when: String) -> [String?] {
            [
                before.flatMap { $0.isEmpty ? nil : "\($0) before" },
                after.flatMap { $0.isEmpty ? nil : "\($0) \(when)" },
            ]
        }

        /// The three averages of a line of /proc/loadavg.
        private static func averages(_ line: String) -> String {
            line.split(separator: " ").prefix(3).joined(separator: " ")
        }
    }
#endif
