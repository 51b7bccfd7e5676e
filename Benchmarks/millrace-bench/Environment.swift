#if Tools
    import CLZ4

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// Where a run took place: what a reader must know before believing a figure.
    struct Environment: Codable, Sendable {
        var kind = "environment"
        let commit: String
        let build: String
        let swift: String
        let lz4: String
        let processor: String
        let cores: Int
        let kernel: String
        let fileSystem: String
        let device: String
        let loadBefore: String
        var loadAfter = ""
        /// Shares of the whole machine, 0...1, sampled while this process slept before the run.
        let busyBefore: Double
        let stolenBefore: Double
        /// The same over the whole run, this process's own time left out.
        var busyDuring = 0.0
        var stolenDuring = 0.0
        let utc: String
        var warnings: [String]

        private let ticksAtStart: ProcessorTicks
        private let ownAtStart: UInt64

        private enum CodingKeys: String, CodingKey {
            case kind, commit, build, swift, lz4, processor, cores, kernel, fileSystem, device, loadBefore, loadAfter
            case busyBefore, stolenBefore, busyDuring, stolenDuring, utc, warnings
        }

        init(from decoder: any Decoder) throws { throw BenchError("an environment is only written") }

        init(commit: String, swift: String, directory: String, repetitions: Int, quick: Bool) {
            self.commit = commit
            self.swift = swift
            // Safe because the library's version is a constant string.
            lz4 = unsafe String(cString: LZ4_versionString())
            cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
            processor = field("model name", of: "/proc/cpuinfo") ?? "unknown"
            kernel = text(of: "/proc/sys/kernel/osrelease")
            (fileSystem, device) = mount(of: directory)
            loadBefore = text(of: "/proc/loadavg")
            utc = stamp()
            #if DEBUG
                build = "debug"
            #else
                build = "release"
            #endif

            let before = ProcessorTicks.now()
            usleep(300_000)
            let sample = ProcessorTicks.now() - before
            busyBefore = sample.share(sample.busy)
            stolenBefore = sample.share(sample.stolen)

            var warnings: [String] = []
            if build == "debug" { warnings.append("debug build: these figures say nothing about speed") }
            if fileSystem == "tmpfs" || fileSystem == "ramfs" {
                warnings.append("\(fileSystem): nothing reaches a device here, durable costs nothing")
            }
            if busyBefore > 0.1 {
                warnings.append("busy machine: others used \(percent(busyBefore)) of it before the run")
            }
            if stolenBefore > 0.02 { warnings.append("busy host: \(percent(stolenBefore)) of the time was stolen") }
            if repetitions < 3 { warnings.append("fewer than 3 repetitions: no spread to judge a difference by") }
            if quick { warnings.append("quick run: less work than a figure needs to be worth keeping") }
            self.warnings = warnings
            ticksAtStart = ProcessorTicks.now()
            ownAtStart = processorNanoseconds()
        }

        /// The same with what only the end of the run knows.
        func finished() -> Environment {
            var result = self
            result.loadAfter = text(of: "/proc/loadavg")
            let ticks = ProcessorTicks.now() - ticksAtStart
            let own = Double(processorNanoseconds() - ownAtStart) / 1e9 * Double(sysconf(Int32(_SC_CLK_TCK)))
            result.busyDuring = max(0, ticks.share(ticks.busy - own))
            result.stolenDuring = ticks.share(ticks.stolen)
            if result.busyDuring > 0.1 {
                result.warnings.append("busy machine: others used \(percent(result.busyDuring)) of it during the run")
            }
            if result.stolenDuring > 0.02 {
                result.warnings.append("busy host: \(percent(result.stolenDuring)) of the run's time was stolen")
            }
            return result
        }

        /// The head of the report, a line each.
        var lines: [String] {
            [
                "commit       \(commit), \(build) build, Swift \(swift), liblz4 \(lz4)",
                "machine      \(processor), \(cores) cores, kernel \(kernel)",
                "directory    \(fileSystem) on \(device)",
                "load before  \(loadBefore); others busy \(percent(busyBefore)), stolen \(percent(stolenBefore))",
            ]
        }
    }

    func percent(_ share: Double) -> String { "\(decimal(share * 100, 0)) %" }

    /// Processor time of the whole machine, in clock ticks.
    private struct ProcessorTicks: Sendable {
        var busy = 0.0
        var stolen = 0.0
        var total = 0.0

        static func now() -> ProcessorTicks {
            // cpu user nice system idle iowait irq softirq steal guest guest_nice (proc(5)); guest is part of user.
            let line = text(of: "/proc/stat").split(separator: "\n").first ?? ""
            let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
            guard ticks.count == 8 else { return ProcessorTicks() }
            let total = ticks.reduce(0, +)
            return ProcessorTicks(busy: total - ticks[3] - ticks[4] - ticks[7], stolen: ticks[7], total: total)
        }

        static func - (left: ProcessorTicks, right: ProcessorTicks) -> ProcessorTicks {
            ProcessorTicks(
                busy: left.busy - right.busy, stolen: left.stolen - right.stolen, total: left.total - right.total)
        }

        func share(_ part: Double) -> Double { total > 0 ? part / total : 0 }
    }

    /// A small file's text without the newline at its end; empty when it cannot be read. Files below /proc say that
    /// they have no length, so this reads up to 64 KiB and no more.
    func text(of path: String) -> String {
        // Safe because the path is a string, and no more is read than there is room for.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        while true {
            // One call gives a page of what stands in /proc, however much there is.
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
                count = unsafe max(0, read(file, buffer.baseAddress!, buffer.count))
            }
            if piece.isEmpty { break }
            bytes += piece
        }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    /// What stands behind the colon of the first line that begins with `name`.
    private func field(_ name: String, of path: String) -> String? {
        for line in text(of: path).split(separator: "\n") where line.hasPrefix(name) {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        return nil
    }

    /// Type and source of the file system that holds `directory`: the longest mount point that is a prefix of it.
    private func mount(of directory: String) -> (fileSystem: String, device: String) {
        var found = ("unknown", "unknown")
        // Safe because realpath allocates its answer, which is freed here.
        guard let real = unsafe realpath(directory, nil) else { return found }
        let path = unsafe String(cString: real)
        unsafe free(real)
        var longest = -1
        for line in text(of: "/proc/self/mounts").split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count >= 3 else { continue }
            let point = String(fields[1])
            let holds = path == point || point == "/" || path.hasPrefix(point + "/")
            if holds && point.utf8.count >= longest {
                longest = point.utf8.count
                found = (String(fields[2]), String(fields[0]))
            }
        }
        return found
    }
#endif
