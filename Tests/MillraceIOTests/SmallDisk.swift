import MillraceIO

/// A `ShadowIO` with one open directory, for tests that look at many of its crash states.
struct SmallDisk {
    let io: ShadowIO
    let directory: DirectoryHandle

    init(_ io: ShadowIO = ShadowIO()) {
        self.io = io
        guard let directory = try? io.openDirectory(at: "/disk", create: true) else { fatalError("no directory") }
        self.directory = directory
    }

    /// A file whose name, length and zeros are durable.
    func durableFile(_ name: String, byteCount: Int) throws(IOError) -> FileHandle {
        let file = try io.createFile(name, in: directory)
        try io.allocate(file, byteCount: byteCount)
        try io.sync(file)
        try io.sync(directory)
        return file
    }

    func fill(_ file: FileHandle, _ range: Range<Int>, _ byte: UInt8) throws(IOError) {
        try io.put([UInt8](repeating: byte, count: range.count), file, at: range.lowerBound)
    }

    /// All files now, by path below the directory.
    func now() -> [String: [UInt8]] { SmallDisk.relative(io.contents()) }

    func state(_ options: CrashOptions) -> [String: [UInt8]] {
        SmallDisk.relative(io.crash(options, entropy: SeededEntropy(seed: 1)).contents())
    }

    /// States drawn with the seeds 0, 1, 2, ...
    func states(_ count: Int, _ options: CrashOptions = CrashOptions()) -> [[String: [UInt8]]] {
        (0..<count).map { SmallDisk.relative(io.crash(options, entropy: SeededEntropy(seed: UInt64($0))).contents()) }
    }

    private static func relative(_ contents: [String: [UInt8]]) -> [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: contents.map { (String($0.key.dropFirst("/disk/".count)), $0.value) })
    }
}
