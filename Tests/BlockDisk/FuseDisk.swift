#if os(Linux)
    import Glibc
    import MillraceIO

    /// A disk: one file of a FUSE file system, its bytes in memory, everything that reaches it written to a log.
    ///
    /// The kernel's protocol (linux/fuse.h, version 7.31) spoken on /dev/fuse itself. The file system is its root, and
    /// the root is a regular file, so there are no names. One thread answers one request after the other: the order of
    /// the log is the order in which writes and flushes were completed. The offsets below are those of the protocol's
    /// structures.
    ///
    /// Serve from a process of its own: a process that waits for its own disk cannot be killed.
    struct FuseDisk: ~Copyable {
        private enum Call: UInt32 {
            case forget = 2
            case getAttributes = 3
            case setAttributes = 4
            case open = 14
            case read = 15
            case write = 16
            case statFileSystem = 17
            case release = 18
            case sync = 20
            case flush = 25
            case initialize = 26
            case interrupt = 36
            case destroy = 38
            case batchForget = 42
            case allocate = 43
        }
        /// Bytes of the request's head: length 0 (4), call 4 (4), request 8 (8), node 16 (8), user 24 (4), group 28
        /// (4), process 32 (4).
        private static let headByteCount = 40
        /// Bytes of the answer's head: length 0 (4), minus errno 4 (4), request 8 (8).
        private static let answerHeadByteCount = 16
        private static let greatestWriteByteCount = 256 << 10
        private static let mode = UInt32(S_IFREG | 0o600)

        private let device: Descriptor
        private let image: MappedFile
        private let log: DiskLogWriter
        private let mount: Mount
        private let request = AlignedMemory(byteCount: greatestWriteByteCount + 8192)
        private let answer = AlignedMemory(byteCount: greatestWriteByteCount + 8192)

        /// Mounts the disk over the file at `path`. `image` has its bytes, and keeps them.
        init(at path: String, image: String, log: String) throws(KernelError) {
            let image = try MappedFile(image)
            let log = try DiskLogWriter(log, greatestWriteByteCount: FuseDisk.greatestWriteByteCount)
            let device = try Kernel.open("/dev/fuse", O_RDWR)
            let options = "fd=\(device.number),rootmode=100000,user_id=\(getuid()),group_id=\(getgid())"
            mount = try Mount("millrace-block-disk", at: path, type: "fuse", options: options)
            self.image = image
            self.log = log
            self.device = device
        }

        /// Answers the kernel until `end` can be read from or is closed at its other end, or the disk was unmounted.
        func serve(until end: Int32) throws(KernelError) {
            while true {
                let ready = Kernel.wait(device, end)
                if ready.first {
                    do throws(KernelError) {
                        guard let count = try Kernel.read(device, into: request.memory) else { continue }
                        try handle(request.memory.slice(0, count))
                    } catch {
                        // Unmounted.
                        if error.number == ENODEV { return }
                        throw error
                    }
                } else if ready.second {
                    return
                }
            }
        }

        private func handle(_ request: Memory) throws(KernelError) {
            let number: UInt64 = request.load(at: 8)
            let argument = request.slice(FuseDisk.headByteCount, request.byteCount - FuseDisk.headByteCount)
            guard let call = Call(rawValue: request.load(at: 4)) else { return try refuse(number, ENOSYS) }
            switch call {
            case .forget, .batchForget, .interrupt: return
            case .initialize: try initialize(number, argument)
            case .getAttributes, .setAttributes: try attributes(number)
            case .open: try open(number)
            case .read: try read(number, argument)
            case .write: try write(number, argument)
            case .allocate: try allocate(number, argument)
            case .sync:
                try log.append(.flush)
                try reply(number, 0)
            case .statFileSystem: try statistics(number)
            case .release, .destroy: try reply(number, 0)
            case .flush: try refuse(number, ENOSYS)
            }
        }

        // MARK: Answers

        /// The answer's body, zeros, to be filled.
        private func body(_ byteCount: Int) -> Memory {
            let body = answer.memory.slice(FuseDisk.answerHeadByteCount, byteCount)
            body.fill(0)
            return body
        }

        /// Sends the head and so many bytes of the body.
        private func reply(_ number: UInt64, _ byteCount: Int, errorNumber: Int32 = 0) throws(KernelError) {
            let whole = answer.memory.slice(0, FuseDisk.answerHeadByteCount + byteCount)
            whole.store(UInt32(whole.byteCount), at: 0)
            whole.store(-errorNumber, at: 4)
            whole.store(number, at: 8)
            do throws(KernelError) { try Kernel.write(device, whole) } catch {
                // The one who asked was killed and waits no more.
                if error.number != ENOENT { throw error }
            }
        }

        private func refuse(_ number: UInt64, _ errorNumber: Int32) throws(KernelError) {
            try reply(number, 0, errorNumber: errorNumber)
        }

        /// Answer: major 0, minor 4, read ahead 8, flags 12, background 16 (2), congestion 18 (2), greatest write 20,
        /// time unit 24, greatest pages 28 (2); 64 bytes.
        private func initialize(_ number: UInt64, _ argument: Memory) throws(KernelError) {
            let bigWrites: UInt32 = 1 << 5
            let manyPages: UInt32 = 1 << 22
            let offered: UInt32 = argument.load(at: 12)
            let body = body(64)
            body.store(UInt32(7), at: 0)
            body.store(UInt32(31), at: 4)
            body.store(offered & (bigWrites | manyPages), at: 12)
            body.store(UInt16(16), at: 16)
            body.store(UInt16(12), at: 18)
            body.store(UInt32(FuseDisk.greatestWriteByteCount), at: 20)
            body.store(UInt32(1), at: 24)
            body.store(UInt16(FuseDisk.greatestWriteByteCount / 4096), at: 28)
            try reply(number, 64)
        }

        /// Answer: valid for seconds 0 (8), then the attributes: node 16, size 24, blocks 32, mode 76, links 80, block
        /// size 96; 104 bytes.
        private func attributes(_ number: UInt64) throws(KernelError) {
            let body = body(104)
            body.store(UInt64(3600), at: 0)
            body.store(UInt64(1), at: 16)
            body.store(UInt64(image.memory.byteCount), at: 24)
            body.store(UInt64(image.memory.byteCount / 512), at: 32)
            body.store(FuseDisk.mode, at: 76)
            body.store(UInt32(1), at: 80)
            body.store(UInt32(4096), at: 96)
            try reply(number, 104)
        }

        /// Answer: five counts of 8, block size 40 (4); 80 bytes.
        private func statistics(_ number: UInt64) throws(KernelError) {
            body(80).store(UInt32(4096), at: 40)
            try reply(number, 80)
        }

        /// Answer: handle 0 (8), flags 8 (4); 16 bytes. The flag says that the kernel keeps no pages: every write comes
        /// here at once.
        private func open(_ number: UInt64) throws(KernelError) {
            body(16).store(UInt32(1), at: 8)
            try reply(number, 16)
        }

        /// Request: handle 0 (8), offset 8 (8), count 16 (4); 40 bytes.
        private func read(_ number: UInt64, _ argument: Memory) throws(KernelError) {
            let byteOffset = Int(argument.load(UInt64.self, at: 8))
            let count = min(Int(argument.load(UInt32.self, at: 16)), image.memory.byteCount - byteOffset)
            guard count > 0 else { return try reply(number, 0) }
            answer.memory.copy(image.memory.slice(byteOffset, count), at: FuseDisk.answerHeadByteCount)
            try reply(number, count)
        }

        /// Request: handle 0 (8), offset 8 (8), count 16 (4); 40 bytes, then the bytes. Answer: count 0 (4); 8 bytes.
        private func write(_ number: UInt64, _ argument: Memory) throws(KernelError) {
            let byteOffset = Int(argument.load(UInt64.self, at: 8))
            let count = Int(argument.load(UInt32.self, at: 16))
            guard byteOffset + count <= image.memory.byteCount else { return try refuse(number, ENOSPC) }
            let bytes = argument.slice(40, count)
            image.memory.copy(bytes, at: byteOffset)
            try log.append(.write, at: byteOffset, bytes: bytes)
            body(8).store(UInt32(count), at: 0)
            try reply(number, 8)
        }

        /// Request: handle 0 (8), offset 8 (8), count 16 (8), mode 24 (4). On a disk it means zeros: a hole (3), or
        /// zeros proper (16, 17).
        private func allocate(_ number: UInt64, _ argument: Memory) throws(KernelError) {
            let byteOffset = Int(argument.load(UInt64.self, at: 8))
            let count = Int(argument.load(UInt64.self, at: 16))
            let isZeroing = [3, 16, 17].contains(argument.load(UInt32.self, at: 24))
            guard isZeroing, byteOffset + count <= image.memory.byteCount else { return try refuse(number, EOPNOTSUPP) }
            image.memory.slice(byteOffset, count).fill(0)
            try log.append(.zeros, at: byteOffset, count: count)
            try reply(number, 0)
        }
    }
#endif
