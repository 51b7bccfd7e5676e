package import MillraceIO

/// The files of a directory tree as plain values: to keep, to change, and to put on a fresh disk.
package struct DiskImage: Equatable, Sendable {
    /// Contents by path from the root on, for example `/store/logs/0000000000000001/<base>.segment`.
    package var files: [String: [UInt8]]

    package init(files: [String: [UInt8]]) { self.files = files }
    /// Everything that has a name on the disk now.
    package init(_ disk: ShadowIO) { files = disk.contents() }

    /// Paths of all segments, in order of log and base ordinal.
    package var segments: [String] { files.keys.filter { $0.hasSuffix(".segment") }.sorted() }

    /// A disk in memory that holds these files and nothing else, everything synced.
    package func disk() throws(IOError) -> ShadowIO {
        let disk = ShadowIO()
        for (path, bytes) in files {
            var parts = path.split(separator: "/").map(String.init)
            let name = parts.removeLast()
            var directory = try disk.openDirectory(at: "/" + parts.removeFirst(), create: true)
            for part in parts {
                let next = try disk.openDirectory(part, in: directory, create: true)
                try disk.sync(directory)
                disk.close(directory)
                directory = next
            }
            let file = try disk.createFile(name, in: directory)
            let content = AlignedMemory(byteCount: bytes.count)
            content.memory.copy(unsafe bytes.span.bytes, at: 0)
            try disk.write(file, at: 0, [content.memory])
            try disk.sync(file)
            try disk.sync(directory)
            disk.close(file)
            disk.close(directory)
        }
        return disk
    }
}
