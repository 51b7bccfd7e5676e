#if Tools
    import Foundation

    /// What the files below a directory take on the device, at one moment. A value.
    struct StoreFiles: Sendable {
        var segmentCount = 0
        var segmentByteCount = 0
        /// Files ready for new segments.
        var spareCount = 0
        var spareByteCount = 0
        var otherByteCount = 0
        var byteCount: Int { segmentByteCount + spareByteCount + otherByteCount }

        init(under path: String) {
            guard !path.isEmpty else { return }
            for case let name as String in FileManager.default.enumerator(atPath: path) ?? .init() {
                var status = stat()
                // Safe because the path is a string and the status outlives the call.
                guard unsafe lstat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
                let byteCount = Int(status.st_blocks) * 512
                if name.hasSuffix(".segment") {
                    segmentCount += 1
                    segmentByteCount += byteCount
                } else if name.hasSuffix(".spare") {
                    spareCount += 1
                    spareByteCount += byteCount
                } else {
                    otherByteCount += byteCount
                }
            }
        }
    }
#endif
