#if os(Linux)
    import Foundation
    import MillraceTestKit

    /// The file systems that the disk is tried under.
    enum FileSystem: String, CaseIterable {
        case ext4
        case xfs

        /// Mount options, one of which each life draws. The first are those of a replay.
        var options: [String] {
            switch self {
            case .ext4: ["", "data=writeback", "data=journal", "commit=1"]
            // States of one disk have one identity, and xfs mounts no two with the same.
            case .xfs: ["nouuid", "nouuid,logbsize=32k"]
            }
        }

        /// In bytes. Current mkfs.xfs makes none below 300 MiB.
        private var byteCount: Int { self == .ext4 ? 48 << 20 : 320 << 20 }

        /// Makes an empty file system in the file at `path`.
        func make(_ path: String) throws {
            // Safe because the string outlives the call.
            unsafe unlink(path)
            _ = try MappedFile(path, byteCount: byteCount)
            switch self {
            case .ext4:
                try run("mkfs.ext4", ["-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", path])
            case .xfs: try run("mkfs.xfs", ["-q", "-f", "-K", path])
            }
        }

        private func run(_ name: String, _ arguments: [String]) throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [name] + arguments
            var environment = ProcessInfo.processInfo.environment
            environment["PATH"] = "\(environment["PATH"] ?? "/usr/bin:/bin"):/usr/sbin:/sbin"
            process.environment = environment
            try process.run()
            process.waitUntilExit()
            if process.terminationStatus != 0 { throw BlockFailure("\(name): status \(process.terminationStatus)") }
        }
    }

    /// A directory in memory with everything that exploring needs: gone, with what is mounted in it, when its owner
    /// lets go.
    final class Workshop {
        private let directory = TemporaryDirectory()
        private let memory: Mount
        /// The disk stands here while it is served: a file.
        var diskPath: String { "\(directory.path)/disk" }
        /// The bytes of the disk.
        var imagePath: String { "\(directory.path)/image" }
        var logPath: String { "\(directory.path)/log" }
        var mountPath: String { "\(directory.path)/mount" }
        var storePath: String { "\(mountPath)/store" }

        init() throws {
            memory = try Mount("tmpfs", at: directory.path, type: "tmpfs", options: "size=2g,mode=700")
            _ = try MappedFile(diskPath, byteCount: 0)
            // Safe because the string outlives the call.
            guard unsafe mkdir(mountPath, 0o700) == 0 else {
                throw KernelError(call: "mkdir \(mountPath)", number: errno)
            }
        }
    }
#endif
