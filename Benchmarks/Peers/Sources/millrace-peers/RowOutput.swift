import Foundation

/// Where rows go as JSON lines: added to a file, or printed.
struct RowOutput {
    private let file: FileHandle

    init(_ path: String?) throws {
        guard let path else {
            file = .standardOutput
            return
        }
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        guard let opened = FileHandle(forWritingAtPath: path) else { throw BenchError("\(path) cannot be written") }
        try opened.seekToEnd()
        file = opened
    }

    func add(_ row: Row) throws { try file.write(contentsOf: Data((try jsonLine(row) + "\n").utf8)) }
}
