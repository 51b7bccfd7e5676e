#if os(Linux)
    import Glibc
    import MillraceIO

    /// A block device over a file (loop(4)). The kernel lets go of it after its last user: nothing stays behind,
    /// however the process ends.
    struct LoopDevice: ~Copyable {
        let path: String
        private let device: Descriptor

        /// `struct loop_config` of linux/loop.h, 304 bytes: file 0 (4), block size 4 (4), flags at 60 (4).
        private static let configurationByteCount = 304
        private static let getFree: UInt = 0x4C82
        private static let configure: UInt = 0x4C0A
        private static let autoclear: UInt32 = 4
        private static let major: UInt32 = 7

        init(over file: String) throws(KernelError) {
            let backing = try Kernel.open(file, O_RDWR)
            let control = try Kernel.open("/dev/loop-control", O_RDWR)
            let configuration = AlignedMemory(byteCount: LoopDevice.configurationByteCount)
            configuration.memory.store(UInt32(backing.number), at: 0)
            configuration.memory.store(UInt32(512), at: 4)
            configuration.memory.store(LoopDevice.autoclear, at: 60)
            var tries = 0
            while true {
                let number = try Kernel.check(Int(ioctl(control.number, LoopDevice.getFree)), "LOOP_CTL_GET_FREE")
                let path = "/dev/loop\(number)"
                LoopDevice.makeNode(path, number: number)
                let device = try Kernel.open(path, O_RDWR)
                // Safe because the structure is ours for the call and as long as the kernel expects.
                if unsafe ioctl(device.number, LoopDevice.configure, configuration.memory.address) == 0 {
                    self.path = path
                    self.device = device
                    return
                }
                // Between the two calls somebody else may have taken it.
                tries += 1
                guard errno == EBUSY, tries < 100 else {
                    throw KernelError(call: "LOOP_CONFIGURE \(path)", number: errno)
                }
            }
        }

        /// Containers have a /dev of their own, without the nodes of devices that come to be later.
        private static func makeNode(_ path: String, number: Int) {
            // Safe because the string outlives both calls.
            if unsafe access(path, F_OK) == 0 { return }
            let minor = UInt32(number)
            let device = dev_t(minor & 0xFF) | dev_t(major) << 8 | dev_t(minor & ~0xFF) << 12
            _ = unsafe mknod(path, S_IFBLK | 0o600, device)
        }
    }
#endif
