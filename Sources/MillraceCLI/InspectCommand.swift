#if Tools
    import ArgumentParser
    import MillraceIO
    import MillraceLog

    /// `millrace inspect`: what stands in a segment, or in every segment of a store.
    struct InspectCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "inspect", abstract: "Shows what stands in a segment file, or in every segment of a store.",
            discussion: "Changes nothing and needs no lock. Status: 0 shown, 2 a file cannot be read.")

        @Argument(help: "A segment file.")
        var file: String?
        @Option(help: "A store's directory, in place of a file.")
        var dir: String?
        @Flag(help: "One JSON object for each segment in place of text.")
        var json = false

        func validate() throws {
            guard (file == nil) != (dir == nil) else { throw ValidationError("give either a segment file or --dir") }
        }

        func run() throws {
            let io = PosixIO()
            if let dir {
                try Refusal.reporting(dir) { try showStore(dir, io) }
            } else if let file {
                try Refusal.reporting(file) { show(try Self.read(file, io)) }
            }
        }

        private func show(_ segment: SegmentInspection) {
            print(json ? SegmentReport(segment).text : SegmentTable(segment).text)
        }

        private func showStore(_ path: String, _ io: PosixIO) throws {
            let (store, logs) = try Self.openStore(path, io)
            defer { io.close(logs) }
            var isFirst = true
            for name in try io.list(logs).sorted() {
                guard let id = FileNames.logID(name) else { continue }
                let handle = try io.openDirectory(name, in: logs, create: false)
                let segments = SegmentName.resolve(try io.list(handle)).current
                let log = LogDirectory(
                    io: io, handle: handle, logID: id, storeLow: store.storeLow, storeHigh: store.storeHigh)
                for segment in segments {
                    if !isFirst, !json { print() }
                    isFirst = false
                    show(try SegmentInspection.read(segment, in: log))
                }
            }
        }

        /// A segment inside its store is read with what the store knows, so that a damaged header does not hide it.
        private static func read(_ path: String, _ io: PosixIO) throws -> SegmentInspection {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            let name = parts.last ?? ""
            let folder = parts.count > 1 ? parts.dropLast().joined(separator: "/") : "."
            let handle = try io.openDirectory(at: folder.isEmpty ? "/" : folder, create: false)
            if let segment = FileNames.segmentName(name), parts.count > 3, let id = FileNames.logID(parts[parts.count - 2]),
                let (store, logs) = try? openStore(parts.dropLast(3).joined(separator: "/"), io)
            {
                io.close(logs)
                let log = LogDirectory(
                    io: io, handle: handle, logID: id, storeLow: store.storeLow, storeHigh: store.storeHigh)
                return try SegmentInspection.read(segment, in: log)
            }
            defer { io.close(handle) }
            return try SegmentInspection.read(file: name, in: handle, io: io)
        }

        private static func openStore(_ path: String, _ io: PosixIO) throws -> (StoreFile, DirectoryHandle) {
            let root = try io.openDirectory(at: path, create: false)
            defer { io.close(root) }
            let file = try io.openFile(StoreFile.name, in: root, writable: false)
            defer { io.close(file) }
            let bytes = AlignedMemory(byteCount: StoreFile.byteCount)
            let count = try io.read(file, at: 0, into: bytes.memory)
            let found = try bytes.withMemory { memory throws(LogError) in try StoreFile.decode(memory.slice(0, count)) }
            guard let store = found else { throw LogError.notAStore(detail: "the file `store` holds no valid identity") }
            return (store, try io.openDirectory(FileNames.logs, in: root, create: false))
        }
    }
#endif
